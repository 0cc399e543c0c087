"""PyTorch (the package torch, 2.13): one hidden layer on CSR rows, trained by Adam.

The first layer is an `EmbeddingBag` that sums the weights of a row's features times their values.
With sparse=True its gradient is of the touched features only and `SparseAdam` moves only those,
as PyTorch has it for such rows; else Adam moves all weights. Biases and the output layer: Adam.
"""

import numpy as np


class TorchMLP:
    """A binary classifier with `fit` and `predict`, made like the others: relu, log loss, adam.

    Parameters
    ----------
    n_units : int
    sparse : bool
        SparseAdam for the first layer.
    batch_size, max_iter, threads, seed : int
    alpha : float
        Penalty alpha / 2 |W|^2 over the rows of the minibatch, as scikit-learn has it; left out
        with sparse=True, as SparseAdam takes none.
    """

    package = "torch"

    def __init__(self, n_units, *, sparse, batch_size, max_iter, threads, seed=0, alpha=1e-4):
        self.n_units, self.sparse, self.batch_size = n_units, sparse, batch_size
        self.max_iter, self.threads, self.seed, self.alpha = max_iter, threads, seed, alpha

    def fit(self, X, y):
        import torch

        torch.set_num_threads(self.threads)
        torch.manual_seed(self.seed)
        self.classes_ = np.unique(y)
        n, d = X.shape
        bag = torch.nn.EmbeddingBag(d, self.n_units, mode="sum", sparse=self.sparse)
        bias, out = torch.nn.Parameter(torch.zeros(self.n_units)), torch.nn.Linear(self.n_units, 1)
        torch.nn.init.uniform_(bag.weight, *self._bounds(d))
        self._net = bag, bias, out
        decay = {"weight_decay": self.alpha / self.batch_size}
        first = (torch.optim.SparseAdam([bag.weight]) if self.sparse
                 else torch.optim.Adam([bag.weight], **decay))
        rest = torch.optim.Adam([{"params": [out.weight], **decay},
                                 {"params": [bias, out.bias]}])
        loss_of, rng = torch.nn.BCEWithLogitsLoss(), np.random.default_rng(self.seed)
        target = torch.from_numpy((y == self.classes_[1]).astype(np.float32))
        for _ in range(self.max_iter):
            order = rng.permutation(n)
            for begin in range(0, n, self.batch_size):
                visits = order[begin:begin + self.batch_size]
                first.zero_grad(set_to_none=True)
                rest.zero_grad(set_to_none=True)
                loss_of(self._forward(X[visits]), target[visits]).backward()
                first.step()
                rest.step()
        return self

    def _bounds(self, d):
        bound = (6 / (d + self.n_units)) ** 0.5  # Glorot, as scikit-learn draws them
        return -bound, bound

    def _forward(self, X):
        import torch

        bag, bias, out = self._net
        rows = (torch.from_numpy(X.indices), torch.from_numpy(X.indptr[:-1]))
        return out(torch.relu(bag(*rows, per_sample_weights=torch.from_numpy(X.data))
                              + bias))[:, 0]

    def predict(self, X):
        import torch

        with torch.no_grad():
            above = [self._forward(X[k:k + 4096]).numpy() > 0 for k in range(0, X.shape[0], 4096)]
        return self.classes_[np.concatenate(above).astype(int)]
