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
    against many with a smooth loss; not shorter if rows hold half of their columns or more. There
    it begins at the best constant where that tells much: targets with a mean, rare classes.
max_iter : int, default=1000
    Epochs at most (`partial_fit` runs one); iterations of a `solver` that sums over all rows.
tol : float, Gap or None, default=1e-3
    Ends the training when the objective (with `early_stopping` the validation score) has not
    improved by more than `tol` in `n_iter_no_change` epochs. With the solvers that go to the
    optimum (all but 'sgd', and 'gd' without minibatches), when the objective is proven to be
    within `tol` times itself of the optimum, but never closer than 1e-12 times that of the zero
    model (of a regressor at the mean of y); without a penalty, when half of Newton's decrement
    says so. `fastsgd.solvers.Gap(tol)` asks for that proof of any solver; it needs a penalty.
    None: never.
shuffle : bool or 'rows', default=True
    True visits blocks of up to 32 neighbouring rows in stratified order, new in each epoch:
    as good as a permutation of rows and nearly twice as fast on large data. Where neighbours are
    alike (posts sorted by author; seen by a sample of the rows) it permutes single rows, as 'rows'
    always does. False takes the rows as they lie.
verbose : int, default=0
    1 prints a line an epoch.
epsilon : float, default=0.1
    The constant of huber, epsilon_insensitive and squared_epsilon_insensitive. [0, inf).
n_jobs : int or None, default=None
    Threads, at most 1024. None and -1: the cores this process may use, at most OMP_NUM_THREADS
    and what a surrounding joblib context allows; None runs small data on one thread.
random_state : int, RandomState or None, default=None
    An int gives the same bits again, except with sync='hogwild' or 'round_robin'.
learning_rate : str, Cosine, Exact or Backtracking, default='optimal' (classifier), \
        'invscaling' (regressor)
    Step size at step t = 1, 2, ... (samples; with solver='gd' steps):
    'constant': eta0. 'optimal': 1 / (alpha * (t0 + t - 1)), t0 by Bottou's rule.
    'invscaling': eta0 / t ** power_t. 'adaptive': eta0, divided by 5 when progress ends.
    'pa1', 'pa2': passive-aggressive (Crammer et al. 2006) with C = eta0.
    'cosine' or `fastsgd.schedules.Cosine`: cosine annealing from eta0, with warm restarts.
    With solver='gd' on all rows 'optimal' stands for accelerated steps that are found on the way;
    also 'exact' (the step at which the objective is least along the gradient)
    and 'backtracking' or `fastsgd.schedules.Backtracking` (shortened until the objective falls
    enough); both need a smooth loss and no eta0. 'exact' does not go with L1.
    'lbfgs' and 'newton-cg' use neither learning_rate nor eta0.
eta0 : float or 'auto', default=0.01
    (0, inf). 'auto' tries steps on at most 2,000 rows (some milliseconds), from the starting
    weights, and takes the best, shortened as suits a few epochs over all rows. For losses of
    unbounded slope no step is longer than half of what any one row, times its weight, allows; for
    the others rows that weigh s > 1 bound it by 2 / ((s - 1) (|x|^2 + 1)), divided by the largest
    slope of the loss if that exceeds 1; `fit_stats_["step_bound"]`, None where there is no bound,
    tells it, and a ConvergenceWarning if few rows made it short. 'optimal', which does
    not use a number, then begins at that step: t0 = 1 / (eta0 * alpha). `fit_stats_` tells the
    step. Where the training diverges it begins again with a quarter of it and a RuntimeWarning,
    up to 8 times. Several classes share one step, judged by the 4 commonest; once backed off it
    stays so for the classes after. `fit` chooses anew, also with `warm_start`; `partial_fit`
    chooses on its first batch and keeps the step, as does `resume`. Refused for 'pa1', 'pa2' and
    loss='perceptron', whose objective is least at weights of 0.
max_step : float, 'auto' or None, default='auto'
    No step of a schedule exceeds it; (0, inf). 'auto': what the rows allow, for losses of
    unbounded slope and heavy rows, see `eta0`; a constant step that is given as a number is never
    cut. None: no bound.
power_t : float, default=0.5 (classifier), 0.25 (regressor)
early_stopping : bool, default=False
    Judges progress by the score on `validation_fraction` of the rows, held out.
validation_fraction : float, default=0.1
    (0, 1).
n_iter_no_change : int, default=5
warm_start : bool, default=False
    `fit` starts from the last weights.
average : bool or int, default=False
    coef_ is the average of the weights over all steps, or from that step on (ASGD). Rows that
    weigh more than the mean come several times in an epoch of `fit`, with a part of their weight,
    where one weighs more than 20 times the mean; `t_` counts these visits.
sync : {'auto', 'serial', 'merge', 'hogwild', 'round_robin', 'classes', 'map_reduce'}, \
        default='auto'
    How threads share the model. 'merge': each works on a replica of the weights, and the changes
    of all are added up every few hundred to few thousand rows; with an int `random_state` in a
    fixed order, else whenever a thread finds the lock free. 'hogwild': all write one vector
    without locks (Niu et al. 2011). 'round_robin': they write in turn, the comparison of that
    paper. 'classes': all classes are learnt in one pass, each thread owns some of them, and any
    number of threads gives the same bits; not with L1, `average` or learning_rate='adaptive'.
    'auto': 'classes' for more than two classes where it is allowed and faster; 'merge' for large
    data, unless a merge costs too much beside the rows between two; then 'hogwild' from a million
    features on, if `random_state` is not an int; else 'serial'. 'map_reduce': threads sum over
    parts of the rows, which is what 'auto' is with the solvers 'gd', 'lbfgs' and 'newton-cg';
    those know 'serial' besides, one thread. Solver 'sdca' has 'serial', 'merge' and 'hogwild'.
merge_every : int or 'auto', default='auto'
    Rows that a thread visits between two merges, in tiles of 32. 'auto': n / 200, between 256
    and 4,096, fewer while steps are long, and one thread alone while they are too long to share.
    Where a given number is too long for the step, only a part of the changes is added, down to
    their mean. Intervals are halved where merges turn out to go too far.
device : 'cpu'
    Reserved.
workers : None, int or Workers, default=None
    Processes or machines that train together: ``Workers(n, comm="process" | "mpi" | "thread",
    policy="sync" | "local")``; an int is so many processes. 'gd', 'lbfgs' and 'newton-cg' then
    give the model of one process up to rounding, 'sdca' reaches the same optimum, 'sgd' averages
    weights now and then. Several classes are learnt one after the other. `n_jobs` counts the
    threads of each worker. They live as long as the estimator. See docs/workers.md.
solver : str, default='sgd'
    'sgd': steps by single rows. 'sdca': dual coordinate ascent, which ends with a proof of how far
    the optimum is at most; not for the perceptron, nor without a part of l2. The others sum over
    all rows before a step, by Map-Reduce: any number of threads gives the same bits. 'gd': steps
    against the gradient, by `learning_rate`: with 'optimal' on all rows accelerated ones; with L1
    proximal. 'lbfgs': quasi-Newton (scipy's). 'newton-cg': Newton steps by conjugate gradients.
    'newton-cholesky': whole Newton steps, for up to 10,000 features of whatever scales. These
    three need a smooth loss and no L1. 'interior-point': Newton steps on the optimality conditions
    of 'hinge' and 'epsilon_insensitive' with l2, for up to 2,000 features of whatever scales;
    'sdca' goes on where it gets no further. All but 'sgd' and 'gd' go to the optimum and have no
    `early_stopping`.
    'auto': of 'sdca', 'newton-cholesky', 'interior-point' and 'newton-cg' those that take the
    other parameters, by the data: the one that its size, density and scales speak for, and
    another where that is too slow (fit_stats_['solver'] and ['why']); else 'sgd', else 'gd'.
    `partial_fit`, `average` and eta0='auto' are for 'sgd', chosen by 'auto' or by name. See
    docs/support.md for what goes with what, docs/solvers.md for how they work.
batch_size : int or None, default=None
    With solver='gd' the rows of a step: minibatches in the order of `shuffle`. Each step also
    costs a few passes over the weights. None: all rows. [1, inf).
max_time : float or None, default=None
    Seconds after which a call of `fit`, `partial_fit` or `resume` ends its training, also within
    an epoch; checking X and y comes before. (0, inf); None: no limit. The model kept is the
    better of the one at that moment and the one after the best whole epoch, compared on at most
    10,000 rows (with `early_stopping` by the validation score). Several classes share the time:
    each may take an equal part of what is left. A few milliseconds of work are done for each in
    any case. A solver that sums over all rows ends with its last whole iteration, which may be
    none."""

ATTRIBUTES = """\
n_iter_ : int
    Epochs (iterations) run; the most of any class. After an end by `max_time`, the whole epochs
    behind the model that was kept, at least 1.
t_ : float
    Number of the next step: 1 + samples seen; with another solver than 'sgd' 1 + steps.
loss_curve_ : list of float
    By epoch, the mean over its rows of each row's loss just before its own step, plus
    alpha * R(w) at the epoch's end; the mean over the classes. Without minibatches other solvers
    than 'sgd' tell the objective itself, by iteration.
fit_stats_ : dict
    seconds, rows_per_second, ns_per_nonzero (of passes over X), threads, sync, solver, and why it
    was taken; eta0: the first step's size, None where steps are found; step_bound: what no step
    of a schedule exceeds, or None; alpha: what `alpha` or `C` came to; stopped_by:
    'max_time', 'max_iter', 'stalled' (no step goes down any more, and `tol` is not proven to be
    met), 'callback' or 'tol', of several classes the first of these that ended
    one. With sync='merge' merge_halvings: how often intervals were halved, as rows met far more
    loss after a merge than before it; the most of any class. With solver='sdca' epochs_needed:
    how many more `tol` needs at the rate of the last half; inf where the gap did not fall, None
    where `tol` is reached or None; the most of any class.
gap_ : float or ndarray of shape (n_models,)
    What the objective is above its optimum at most; after any solver that goes to the optimum,
    tol=Gap(...) or `certify`.
dual_gap_, dual_coef_, support_
    With solver='sdca': `gap_`; the dual variables of the rows that have one, of shape (n_models,
    n_support); and the numbers of these rows. With l2 coef_ = dual_coef_ @ X[support_]. With
    Workers(rows='own') of the process's own rows.
n_features_in_ : int
feature_names_in_ : ndarray of shape (n_features_in_,)
    Where X has names of features."""


def with_parameters(cls):
    """Fills {parameters} and {attributes} of a class's docstring."""
    if cls.__doc__ is None:  # python -OO
        return cls
    for name, text in (("{parameters}", PARAMETERS), ("{attributes}", ATTRIBUTES)):
        cls.__doc__ = cls.__doc__.replace(name, indent(text, "    ").lstrip())
    return cls
