"""The options of the commands: names, help, defaults as --help shows them.

A default of None stands for that of the estimator, or for the value of a model that is resumed.
"""

import click

from fastsgd._integers import LARGEST, MOST_FEATURES
from fastsgd.cli.renamed import old_option

BASES = {"auto": None, "yes": 0, "no": 1}
KINDS = ("linear", "mlp")


def option(name, text, shown=None, *, into=None, kind=str, **how):
    """An option of a command.

    Parameters
    ----------
    name : str
    text : str
        What --help shows.
    shown : str or None
        The default, as --help shows it where None stands for it.
    into : str or None
        The argument of the command that takes it; None: it is called as the option.
    kind : type
    """
    return click.option(*filter(None, (name, into)), type=kind, help=text,
                        show_default=shown or True, **how)


def flag(name, text, shown="off", *, into=None):
    """An option without a value; arguments as of `option`."""
    return option(name, text, shown, into=into, kind=bool, is_flag=True, default=False)


def taking(*options):
    """Gives a command arguments and options, in the order of --help."""
    def give(command):
        for one in reversed(options):
            command = one(command)
        return command

    return give


def base_of(zero_based):
    """The number of the first feature: 0, 1, or None where the data shall tell."""
    if zero_based not in BASES:
        raise click.BadParameter(
            f"must be auto, yes or no, got {zero_based}", param_hint="--zero-based")
    return BASES[zero_based]


def check_dtype(dtype):
    if dtype not in (None, "float32", "float64"):
        raise click.BadParameter(
            f"must be float32 or float64, got {dtype}", param_hint="--dtype")


def check_n_features(n_features):
    if n_features is not None and not 1 <= n_features <= MOST_FEATURES:
        raise click.BadParameter(f"must be >= 1 and <= {MOST_FEATURES}, got {n_features}",
                                 param_hint="--n-features")


def check_every(every, checkpoint):
    if every is None:
        return
    if not 1 <= every <= LARGEST:
        raise click.BadParameter(f"must be >= 1 and <= {LARGEST}, got {every}",
                                 param_hint="--every")
    if checkpoint is None:
        raise click.BadParameter("needs --checkpoint, a file", param_hint="--every")


def kind_and_file(kind, save, models, old_options):
    """(kind of model or None, file to save it in or None) from --kind and --save.

    `models` are the values of --model, which stood for both before: a name of a kind, or a file.
    """
    kind = old_options.value("--kind", kind, "--model",
                             [value for value in models or () if value in KINDS], alias=True)
    if kind not in (None, *KINDS):
        raise click.BadParameter(f"must be {' or '.join(KINDS)}, got {kind}", param_hint="--kind")
    save = old_options.value("--save FILE", save, "--model FILE",
                             [value for value in models or () if value not in KINDS])
    return kind, save


DATA = click.argument("data")
DATA_FILES = click.argument("data", nargs=-1, required=True, metavar="DATA...")
FITTED = click.option("--model", required=True, help="Model file.")
JSON = flag("--json", "Print one JSON object.", into="as_json")
QUIET = flag("--quiet", "No progress and no notes on stderr.")
ZERO_BASED = option(
    "--zero-based", "Whether feature numbers in text start at 0: yes, no or auto (as in the "
    "training; for new data 1 if there is no feature 0).", default="auto")
DTYPE = option(
    "--dtype", "float32 or float64, of the data and the model.", "float64; of .npz and cache "
    "as they are")
N_FEATURES = option("--n-features", "Features of the model.", "as many as DATA has", kind=int)
PROBA = flag("--proba", "Probabilities in place of labels, in the order of inspect's classes.")
OUTPUT = option("--output", "File to write to, replaced when it is whole; - is stdout.", "stdout")
VOCABULARY = option(
    "--vocabulary", "Text, plain or .gz, whose line k names the k-th feature.", "none")
TOP = click.option(
    "--top", type=click.IntRange(min=0), default=20, show_default=True,
    help="Weights of largest size to list, for each class; of an MLP the features whose weights "
    "into the first layer have the largest norms.")

OF_TRAINING = (
    option(
        "--test", "Rows to measure the result on; as wide as DATA. One with a label that DATA "
        "lack is an error.", "none"),
    option(
        "--kind", "linear, or mlp, a multilayer perceptron.", "linear; on --resume the model's"),
    option(
        "--save", "Where to save the model; also after Ctrl-C. - is stdout, and what is "
        "printed goes to stderr.", "not saved"),
    old_option("--model", "old_models"),
    option(
        "--resume", "A model to go on from, up to --epochs in total; DATA must be the same. "
        "With one thread the result is bit for bit that of an uninterrupted run.", "none"),
    option(
        "--task", "classify or regress.", "regress for the losses squared_error, huber, "
        "epsilon_insensitive, squared_epsilon_insensitive, poisson; else classify"),
    flag(
        "--multilabel", "Rows may have any number of labels: of text as 1,3 or none, of .npz "
        "and cache a y of columns of 0 and 1.", "off; on where a row of text has several, or y "
        "columns"),
)
"""Options of `train` about files, and about what is learnt."""

OF_CHECKPOINTS = (
    option(
        "--marker", "With --comm mpi: file that is written when all processes have ended well.",
        "name of the model's file and .done"),
    option(
        "--checkpoint", "File to save the model in every --every epochs, for --resume.", "none"),
    option("--every", "Epochs between two checkpoints.", "1", kind=int),
)
"""Options of `train` about files beside the model's own."""

PARAMETERS = (
    option(
        "--loss", "hinge, squared_hinge, log_loss, modified_huber, perceptron; squared_error, "
        "huber, epsilon_insensitive, squared_epsilon_insensitive. MLP: log_loss, "
        "squared_error; to regress squared_error, poisson.", "hinge; to regress squared_error; "
        "MLP: log_loss"),
    option(
        "--hidden", "MLP: units of each hidden layer, as 128,64; or none.", "100",
        into="hidden_layer_sizes"),
    option("--activation", "MLP: identity, logistic, tanh or relu, of the hidden layers.", "relu"),
    option("--penalty", "Linear: l2, l1, elasticnet or none.", "l2"),
    option("--alpha", "Weight of the penalty, a number >= 0.", "0.0001", kind=float),
    option(
        "--C", "Linear: in place of --alpha, which becomes 1 / (rows * C); > 0.", "not used",
        into="C", kind=float),
    option("--l1-ratio", "Linear: share of l1 in elasticnet, from 0 to 1.", "0.15", kind=float),
    option(
        "--epsilon", "Linear: constant of huber and the epsilon_insensitive losses, in units "
        "of the target; >= 0.", "0.1", kind=float),
    flag("--no-intercept", "Linear: leave the intercept at 0."),
    option(
        "--class-weight", "balanced, balanced_running (linear), or LABEL=WEIGHT,LABEL=WEIGHT; "
        "where a label has a comma a JSON object.", "all 1"),
    option(
        "--epochs", "Passes over the rows at most, in total.", "1000; MLP: 200; on --resume "
        "the model's", into="max_iter", kind=int),
    option(
        "--max-time", "Seconds of training, > 0 (or none: no limit), after which it ends with "
        "the best model so far; reading DATA is not counted.", "none; on --resume the model's"),
    option(
        "--tol", "End when the objective has not fallen by this much (or none: never).",
        "0.001; MLP: 0.0001"),
    option(
        "--gap", "Linear: end when the objective is proven to be within this part of its "
        "optimum, a number > 0; in place of --tol.", "not used", kind=float),
    option(
        "--n-iter-no-change", "Epochs without such progress that end it.", "5; MLP: 10",
        kind=int),
    flag("--early-stopping", "Judge progress by rows that are held out."),
    option(
        "--validation-fraction", "Share of the rows that --early-stopping holds out, between 0 "
        "and 1.", "0.1", kind=float),
    option(
        "--learning-rate", "Step size by step: constant, optimal, invscaling, adaptive, pa1, "
        "pa2 or cosine; with --solver gd also exact and backtracking. MLP: neither pa1 nor pa2.",
        "optimal; to regress invscaling; MLP: constant"),
    option(
        "--eta0", "Linear: first step size, a number > 0, which optimal does not use; or auto: "
        "found on a sample of the rows, for optimal too; not for pa1 and pa2.", "0.01"),
    option(
        "--max-step", "Linear: no step of a schedule exceeds it: a number > 0; auto: what the "
        "rows allow; or none.", "auto"),
    option("--learning-rate-init", "MLP: first step size, a number > 0.", "0.001", kind=float),
    option(
        "--power-t", "Exponent of invscaling: eta0 / step ** power_t.", "0.5; to regress a "
        "linear model 0.25", kind=float),
    option(
        "--momentum", "MLP: of --solver sgd, by Nesterov's rule; >= 0 and < 1.", "0.9",
        kind=float),
    option(
        "--average", "Linear: average the weights from this step (row seen) on; 0 does not.",
        "0", kind=int),
    option(
        "--dropout", "MLP: share of the units of hidden layers left out in each step, >= 0 and "
        "< 1; or a number for the input and one for each hidden layer, as 0.2,0.5.", "0"),
    option(
        "--lazy", "MLP: whether a step moves only the weights of features that occur in its "
        "rows: yes, no or auto (where DATA is sparse).", "auto"),
    option("--init", "MLP: first weights, glorot or he.", "glorot"),
    option(
        "--shuffle", "Order of rows: blocks (new in each epoch), rows (single ones, slower) or "
        "none (as they lie).", "blocks; MLP: rows, it has no blocks"),
    option(
        "--seed", "Integer >= 0 for the order of rows and an MLP's first weights; the same "
        "gives the same model.", "random", into="random_state", kind=int),
    option("--n-jobs", "Threads; -1 is all cores.", "all cores where they pay", kind=int),
    option(
        "--sync", "How threads share the model: auto, serial, merge, hogwild, round_robin or "
        "classes; map_reduce for the solvers that sum over all rows. MLP: auto, serial, "
        "map_reduce, hogwild or merge.", "auto"),
    option(
        "--solver", "sgd (steps by single rows), sdca (dual ascent), gd, lbfgs, newton-cg, "
        "newton-cholesky, interior-point (sums over all rows), or auto. MLP: sgd, adam, lbfgs, "
        "adagrad, rmsprop or adadelta.",
        "sgd; MLP: adam"),
    option(
        "--batch-size", "Rows of a step: of --solver gd, of an MLP.", "all; MLP: 200", kind=int),
)
"""Options of `train` that are parameters of the model."""

OF_WORKERS = (
    option(
        "--workers", "Processes that train together; with --comm mpi all of the job's.", "none",
        kind=int),
    option(
        "--policy", "How workers train together: sync (sums before each step) or local (each "
        "steps by itself, then weights are averaged).", "local for --solver sgd, else sync"),
    old_option("--worker-sync", "old_worker_sync"),
    option(
        "--local-steps", "Rows that a worker visits between two averages.", "16 averages an "
        "epoch", kind=int),
    option("--comm", "How workers talk: process, mpi or thread.", "process"),
    option("--worker-timeout", "Seconds that a worker waits for the others.", "300", kind=float),
    option(
        "--rows", "What a process of --comm mpi reads: own (of N processes, process r the "
        "files r, r + N, ..., or its part of each) or all.", "own where the solver can, else "
        "all"),
)
"""Options of `train` about processes that train together."""
