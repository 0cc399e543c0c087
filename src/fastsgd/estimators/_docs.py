"""The part of the docstrings that both linear estimators share, written once."""

from textwrap import indent

PARAMETERS = """\
penalty : {'l2', 'l1', 'elasticnet', None}, default='l2'
    The objective is mean(loss) + alpha * R(w), with R = |w|^2 / 2 (l2), |w|_1 (l1), or
    (1 - l1_ratio) * l2 + l1_ratio * l1. The intercept is not penalised.
alpha : float, default=1e-4
    Weight of the penalty; also the step of learning_rate='optimal'. [0, inf).
C : float or None, default=None
    In place of alpha: alpha = 1 / (n_samples * C). Giving both is an error. (0, inf).
l1_ratio : float, default=0.15
    Share of l1 in 'elasticnet'. [0, 1].
fit_intercept : bool, default=True
    For sparse X its steps are 0.01 times as long, as in scikit-learn; 0.1 times for one class
    against many with a smooth loss.
max_iter : int, default=1000
    Epochs at most (`partial_fit` runs one).
tol : float or None, default=1e-3
    Ends the training when the objective (with `early_stopping` the validation score) has not
    improved by more than `tol` in `n_iter_no_change` epochs. None: never.
shuffle : bool or 'rows', default=True
    True visits blocks of up to 32 neighbouring rows in stratified order, new in each epoch:
    as good as a permutation of rows and several times as fast. 'rows' permutes single rows,
    False takes the rows as they lie.
verbose : int, default=0
    1 prints a line an epoch.
epsilon : float, default=0.1
    The constant of huber, epsilon_insensitive and squared_epsilon_insensitive. [0, inf).
n_jobs : int or None, default=None
    Threads. None and -1: the cores this process may use, at most OMP_NUM_THREADS and what a
    surrounding joblib context allows; None runs small data on one thread.
random_state : int, RandomState or None, default=None
    An int gives the same bits again, except with sync='hogwild' or 'round_robin'.
learning_rate : str or Cosine, default='optimal' (classifier), 'invscaling' (regressor)
    Step size at step t = 1, 2, ... (samples):
    'constant': eta0. 'optimal': 1 / (alpha * (t0 + t - 1)), t0 by Bottou's rule.
    'invscaling': eta0 / t ** power_t. 'adaptive': eta0, divided by 5 when progress ends.
    'pa1', 'pa2': passive-aggressive (Crammer et al. 2006) with C = eta0.
    'cosine' or `fastsgd.schedules.Cosine`: cosine annealing from eta0, with warm restarts.
eta0 : float, default=0.01
    (0, inf).
power_t : float, default=0.5 (classifier), 0.25 (regressor)
early_stopping : bool, default=False
    Judges progress by the score on `validation_fraction` of the rows, held out.
validation_fraction : float, default=0.1
    (0, 1).
n_iter_no_change : int, default=5
warm_start : bool, default=False
    `fit` starts from the last weights.
average : bool or int, default=False
    coef_ is the average of the weights over all steps, or from that step on (ASGD).
sync : {'auto', 'serial', 'hogwild', 'round_robin', 'classes'}, default='auto'
    How threads share the model. 'hogwild': all write one vector without locks (Niu et al.
    2011). 'round_robin': they write in turn, the comparison of that paper. 'classes': all
    classes are learnt in one pass, each thread owns some of them, and any number of threads gives
    the same bits; not with L1, `average` or learning_rate='adaptive'. 'auto': 'classes' for more
    than two classes where it is allowed and faster, 'hogwild' for large data with many features
    where `random_state` is not an int, else 'serial'.
device : 'cpu'
    Reserved.
workers : None
    Reserved."""

ATTRIBUTES = """\
n_iter_ : int
    Epochs run; the most of any class.
t_ : float
    Number of the next step: 1 + samples seen.
loss_curve_ : list of float
    By epoch, the mean over its rows of each row's loss just before its own step, plus
    alpha * R(w) at the epoch's end; the mean over the classes.
fit_stats_ : dict
    seconds, rows_per_second, ns_per_nonzero, threads, sync, eta0: the first step's size, and
    alpha: what `alpha` or `C` came to.
n_features_in_ : int
feature_names_in_ : ndarray of shape (n_features_in_,)
    Where X has names of features."""


def with_parameters(cls):
    """Fills {parameters} and {attributes} of a class's docstring."""
    for name, text in (("{parameters}", PARAMETERS), ("{attributes}", ATTRIBUTES)):
        cls.__doc__ = cls.__doc__.replace(name, indent(text, "    ").lstrip())
    return cls
