"""Parts that the regressors of both families share."""

from scipy import sparse

from fastsgd.estimators.validation import checked_targets


class NumberTargets:
    """Regressors, whose y may be sparse."""

    def score(self, X, y, sample_weight=None):
        """R^2 of the predictions.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : {array-like, sparse matrix} of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        float
        """
        y = checked_targets(y)
        return super().score(X, y.toarray() if sparse.issparse(y) else y, sample_weight)
