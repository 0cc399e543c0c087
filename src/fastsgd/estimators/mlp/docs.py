"""The part of the docstrings that both MLPs share, written once."""

from textwrap import indent

NETWORK = """\
hidden_layer_sizes : int or array-like of int, default=(100,)
    Units of each hidden layer; () is a linear model.
activation : {'identity', 'logistic', 'tanh', 'relu'}, default='relu'
    Of the hidden layers."""

PARAMETERS = """\
solver : {'adam', 'sgd', 'adagrad', 'rmsprop', 'adadelta', 'lbfgs'}, default='adam'
    'sgd' has `momentum`. adagrad wants a larger `learning_rate_init`, about 0.01, adadelta one of
    about 1, with epsilon=1e-6 and rho=0.95. 'lbfgs' is scipy's, on the sum over all rows.
alpha : float, default=1e-4
    Weight of the penalty alpha / 2 * |W|^2, divided by the rows (their weight) of the minibatch
    as in scikit-learn. Intercepts are not penalised.
batch_size : int or 'auto', default='auto'
    Rows of a minibatch; 'auto' is min(200, n_samples).
learning_rate : str or Cosine, default='constant'
    The step at the t-th row (rows count each time they are met, from 1), for every solver but
    'lbfgs'; scikit-learn has it for 'sgd' only. 'constant': learning_rate_init. 'invscaling':
    learning_rate_init / t ** power_t, t being the first row of the epoch. 'adaptive':
    learning_rate_init, divided by 5 when progress ends. 'optimal': 1 / (alpha * (t0 + t - 1)) with
    the first step learning_rate_init. 'cosine' or `fastsgd.schedules.Cosine`: cosine annealing
    from learning_rate_init, with warm restarts.
learning_rate_init : float, default=0.001
power_t : float, default=0.5
max_iter : int, default=200
    Epochs at most, or iterations of 'lbfgs'.
shuffle : bool, default=True
random_state : int, RandomState or None, default=None
    Draws the first weights, the rows held out, the order of rows and dropout. An int gives the
    same bits again, except with sync='hogwild'; it gives what scikit-learn draws from it.
tol : float, default=1e-4
    Ends the training when the loss (with `early_stopping` the validation score) has not improved
    by more than `tol` in more than `n_iter_no_change` epochs; 'lbfgs': when no entry of the
    gradient exceeds it.
verbose : bool, default=False
    Prints a line an epoch.
warm_start : bool, default=False
    `fit` starts from the last weights (`coefs_` and `intercepts_` may have been replaced), with a
    new optimizer.
momentum : float, default=0.9
    Of solver='sgd'. [0, 1): 1, which scikit-learn takes, never ends.
nesterovs_momentum : bool, default=True
early_stopping : bool, default=False
    Judges progress by the score on `validation_fraction` of the rows, held out, and ends with the
    weights of the best score.
validation_fraction : float, default=0.1
beta_1, beta_2 : float, default=0.9 and 0.999
    Of adam. [0, 1).
epsilon : float, default=1e-8
    Added to the divisor of adam, adagrad, rmsprop and adadelta.
n_iter_no_change : int or inf, default=10
max_fun : int, default=15000
    Evaluations of 'lbfgs' at most.
rho : float, default=0.9
    How much of the mean of squared gradients rmsprop and adadelta keep at each step. [0, 1).
init : {'glorot', 'he'}, default='glorot'
    First weights and intercepts, uniform in +-b: sqrt(6 / (fan_in + fan_out)), or with 'logistic'
    sqrt(2 / ...); 'he' has sqrt(6 / fan_in), for deep networks of relu.
dropout : float or sequence of float, default=0.0
    Probability that a hidden unit is left out of a minibatch's row, while training; a sequence has
    a value for the input and for each hidden layer. [0, 1).
lazy : bool or 'auto', default='auto'
    Whether a minibatch of CSR rows moves the first layer's weights, their optimizer's state and
    their penalty for the features that occur in it only: its cost is then that of its non-zeros.
    'auto' is True on CSR. False is the rule of dense X: momentum and penalty move all of them.
n_jobs : int or None, default=None
    Threads, at most 1024. None and -1: the cores this process may use, at most OMP_NUM_THREADS
    and what a surrounding joblib context allows; None runs small networks on one thread. Each
    thread has one thread of BLAS.
sync : {'auto', 'serial', 'hogwild', 'map_reduce', 'merge'}, default='auto'
    How threads share the weights. 'hogwild': each draws minibatches of its own and writes without
    locks. 'map_reduce': each minibatch is cut in parts whose gradients are added in a fixed order;
    the same bits for any n_jobs. 'merge': replicas, averaged every `merge_every` minibatches.
    'auto', where minibatches are large enough for threads: 'hogwild' on CSR if `random_state` is
    no int, else 'map_reduce'.
merge_every : int or 'auto', default='auto'
    Minibatches of each thread between two merges; 'auto' is 8.
pipeline : LayerPipeline or None, default=None
    Cuts the layers into stages, a thread each (whatever `n_jobs`), between which micro-batches
    travel; the same steps as without, to rounding: see :class:`fastsgd.LayerPipeline`. For every
    solver but 'lbfgs', with sync='auto' or 'serial'.
workers : int, Workers or None, default=None
    Processes or machines that train together, see :class:`fastsgd.Workers`; an int is
    ``Workers(n)``: each minibatch is cut among so many processes, with the same steps.
device : 'cpu'
    Reserved for later releases.
max_time : float or None, default=None
    Seconds after which the training ends, also within an epoch."""

ATTRIBUTES = """\
coefs_ : list of ndarray
    Weights of each layer, (units below, units above).
intercepts_ : list of ndarray
loss_ : float
    Of the last epoch: the mean loss that it met, with the penalty.
loss_curve_ : list of float
    The same by epoch; with `warm_start` and `partial_fit` of all calls.
best_loss_ : float or None
    None with `early_stopping`.
validation_scores_ : list of float or None
    Accuracy or R2 by epoch, with `early_stopping`.
best_validation_score_ : float or None
n_iter_ : int
    Epochs of the last call; after `resume` those of the whole training.
t_ : int
    Rows met so far.
n_layers_ : int
    Hidden layers, and two.
n_outputs_ : int
out_activation_ : str
fit_stats_ : dict
    seconds, rows_per_second, threads, sync, solver, lazy, stopped_by ("tol", "max_iter",
    "max_fun", "max_time", "callback", or with `early_stopping` "divergence") of the last call;
    pipeline: None, or stages, micro_batches, the layers and cost_share of each stage, its
    idle_share as measured, and idle_expected, where all tasks take equally long; with workers also
    workers, comm, bytes_sent by all, and comm_seconds of the one that spent most.
n_features_in_ : int
feature_names_in_ : ndarray of shape (n_features_in_,)
    Where X has names of features."""


def with_parameters(cls):
    """Fills {network}, {parameters} and {attributes} of a class's docstring."""
    if cls.__doc__ is None:  # python -OO
        return cls
    for name, text in (("{network}", NETWORK), ("{parameters}", PARAMETERS),
                       ("{attributes}", ATTRIBUTES)):
        cls.__doc__ = cls.__doc__.replace(name, indent(text, "    ").lstrip())
    return cls
