"""scikit-learn's SGDClassifier: plain SGD, one thread, rows shuffled anew each epoch."""

from sklearn.linear_model import SGDClassifier

from libraries import Library, second_half, weights


class SklearnSGD(Library):
    name, label = "sklearn_sgd", "scikit-learn SGDClassifier"

    def __init__(self, seed=0, average=False, intercept=True):
        self.seed, self.average, self.intercept = seed, average, intercept

    def fit(self, X, y, alpha, loss, epochs):
        model = SGDClassifier(
            loss=loss, alpha=alpha, max_iter=epochs, tol=None, random_state=self.seed,
            fit_intercept=self.intercept, average=self.average and second_half(X.shape[0], epochs))
        return weights(model.fit(X, y))

    def parameters(self):
        return {"learning_rate": "optimal", "shuffle": True, "tol": None, "threads": 1,
                "random_state": self.seed,
                "average": "the second half of the steps" if self.average else False,
                "bias": "not penalised; steps 0.01 times as long (sparse X)"}
