"""The options of the commands: names, help, defaults as --help shows them.

A default of None stands for that of the estimator, or for the value of a model that is resumed.
"""

from typing import Annotated, TypeAlias

import typer

from fastsgd._integers import LARGEST, MOST_FEATURES
from fastsgd.cli.renamed import old_option

BASES = {"auto": None, "yes": 0, "no": 1}
KINDS = ("linear", "mlp")


def option(name, text, default=None):
    """An option; `default` is what --help shows where None stands for it."""
    return typer.Option(name, help=text, show_default=default or True)


def base_of(zero_based):
    """The number of the first feature: 0, 1, or None where the data shall tell."""
    if zero_based not in BASES:
        raise typer.BadParameter(
            f"must be auto, yes or no, got {zero_based}", param_hint="--zero-based")
    return BASES[zero_based]


def check_dtype(dtype):
    if dtype not in (None, "float32", "float64"):
        raise typer.BadParameter(
            f"must be float32 or float64, got {dtype}", param_hint="--dtype")


def check_n_features(n_features):
    if n_features is not None and not 1 <= n_features <= MOST_FEATURES:
        raise typer.BadParameter(f"must be >= 1 and <= {MOST_FEATURES}, got {n_features}",
                                 param_hint="--n-features")


def check_every(every, checkpoint):
    if every is None:
        return
    if not 1 <= every <= LARGEST:
        raise typer.BadParameter(f"must be >= 1 and <= {LARGEST}, got {every}",
                                 param_hint="--every")
    if checkpoint is None:
        raise typer.BadParameter("needs --checkpoint, a file", param_hint="--every")


def kind_and_file(kind, save, models, old_options):
    """(kind of model or None, file to save it in or None) from --kind and --save.

    `models` are the values of --model, which stood for both before: a name of a kind, or a file.
    """
    kind = old_options.value("--kind", kind, "--model",
                             [value for value in models or () if value in KINDS], alias=True)
    if kind not in (None, *KINDS):
        raise typer.BadParameter(f"must be {' or '.join(KINDS)}, got {kind}", param_hint="--kind")
    save = old_options.value("--save FILE", save, "--model FILE",
                             [value for value in models or () if value not in KINDS])
    return kind, save


_Text: TypeAlias = str | None
_Real: TypeAlias = float | None
_Count: TypeAlias = int | None

Data = Annotated[str, typer.Argument(
    help="svmlight text, .npz or cache; - is text from stdin", show_default=False)]
DataFiles = Annotated[list[str], typer.Argument(
    help="svmlight text, .npz or cache, any number of files, which are read one after another; "
    "- is text from stdin", metavar="DATA...", show_default=False)]
Fitted = Annotated[str, typer.Option("--model", help="Model file.", show_default=False)]
Json = Annotated[bool, option("--json", "Print one JSON object.", "off")]
Quiet = Annotated[bool, option("--quiet", "No progress and no notes on stderr.", "off")]
ZeroBased = Annotated[str, option(
    "--zero-based", "Whether feature numbers in text start at 0: yes, no or auto (as in the "
    "training; for new data 1 if there is no feature 0).")]
Dtype = Annotated[_Text, option(
    "--dtype", "float32 or float64, of the data and the model.",
    "float64; of .npz and cache as they are")]
NFeatures = Annotated[_Count, option(
    "--n-features", "Features of the model.", "as many as DATA has")]

Proba = Annotated[bool, option(
    "--proba", "Probabilities in place of labels, in the order of inspect's classes.", "off")]
Output = Annotated[_Text, option(
    "--output", "File to write to, replaced when it is whole; - is stdout.", "stdout")]
Top = Annotated[int, typer.Option(
    "--top", help="Weights of largest size to list, for each class; of an MLP the features whose "
    "weights into the first layer have the largest norms.", min=0)]
Vocabulary = Annotated[_Text, option(
    "--vocabulary", "Text, plain or .gz, whose line k names the k-th feature.", "none")]

Test = Annotated[_Text, option(
    "--test", "Rows to measure the result on; as wide as DATA. One with a label that DATA lack is "
    "an error.", "none")]
Kind = Annotated[_Text, option(
    "--kind", "linear, or mlp, a multilayer perceptron.", "linear; on --resume the model's")]
OldModels = Annotated[list[str] | None, old_option("--model")]
Save = Annotated[_Text, option(
    "--save", "Where to save the model; also after Ctrl-C. - is stdout, and what is printed goes "
    "to stderr.", "not saved")]
Resume = Annotated[_Text, option(
    "--resume", "A model to go on from, up to --epochs in total; DATA must be the same. With "
    "one thread the result is bit for bit that of an uninterrupted run.", "none")]
Task = Annotated[_Text, option(
    "--task", "classify or regress.", "regress for the losses squared_error, huber, "
    "epsilon_insensitive, squared_epsilon_insensitive, poisson; else classify")]
Multilabel = Annotated[bool, option(
    "--multilabel", "Rows may have any number of labels: of text as 1,3 or none, of .npz and "
    "cache a y of columns of 0 and 1.", "off; on where a row of text has several, or y columns")]
Loss = Annotated[_Text, option(
    "--loss", "hinge, squared_hinge, log_loss, modified_huber, perceptron; squared_error, "
    "huber, epsilon_insensitive, squared_epsilon_insensitive. MLP: log_loss, squared_error; "
    "to regress squared_error, poisson.",
    "hinge; to regress squared_error; MLP: log_loss")]
Alpha = Annotated[_Real, option("--alpha", "Weight of the penalty, a number >= 0.", "0.0001")]
ClassWeight = Annotated[_Text, option(
    "--class-weight", "balanced, balanced_running (linear), or LABEL=WEIGHT,LABEL=WEIGHT; where "
    "a label has a comma a JSON object.", "all 1")]
Epochs = Annotated[_Count, option(
    "--epochs", "Passes over the rows at most, in total.", "1000; MLP: 200; on --resume the "
    "model's")]
MaxTime = Annotated[_Text, option(
    "--max-time", "Seconds of training, > 0 (or none: no limit), after which it ends with the "
    "best model so far; reading DATA is not counted.",
    "none; on --resume the model's")]
Tol = Annotated[_Text, option(
    "--tol", "End when the objective has not fallen by this much (or none: never).",
    "0.001; MLP: 0.0001")]
NIterNoChange = Annotated[_Count, option(
    "--n-iter-no-change", "Epochs without such progress that end it.", "5; MLP: 10")]
EarlyStopping = Annotated[bool, option(
    "--early-stopping", "Judge progress by rows that are held out.", "off")]
ValidationFraction = Annotated[_Real, option(
    "--validation-fraction", "Share of the rows that --early-stopping holds out, between 0 "
    "and 1.", "0.1")]
LearningRate = Annotated[_Text, option(
    "--learning-rate", "Step size by step: constant, optimal, invscaling, adaptive, pa1, pa2 "
    "or cosine; with --solver gd also exact and backtracking. MLP: neither pa1 nor pa2.",
    "optimal; to regress invscaling; MLP: constant")]
PowerT = Annotated[_Real, option(
    "--power-t", "Exponent of invscaling: eta0 / step ** power_t.",
    "0.5; to regress a linear model 0.25")]
Shuffle = Annotated[_Text, option(
    "--shuffle", "Order of rows: blocks (new in each epoch), rows (single ones, slower) or "
    "none (as they lie).", "blocks; MLP: rows, it has no blocks")]
Seed = Annotated[_Count, option(
    "--seed", "Integer >= 0 for the order of rows and an MLP's first weights; the same gives "
    "the same model.", "random")]
NJobs = Annotated[_Count, option(
    "--n-jobs", "Threads; -1 is all cores.", "all cores where they pay")]
Sync = Annotated[_Text, option(
    "--sync", "How threads share the model: auto, serial, merge, hogwild, "
    "round_robin or classes; map_reduce for the solvers that sum over all rows. MLP: auto, "
    "serial, map_reduce, hogwild or merge.", "auto")]
Solver = Annotated[_Text, option(
    "--solver", "sgd (steps by single rows), sdca (dual ascent), gd, lbfgs, newton-cg (sums "
    "over all rows), or auto. MLP: sgd, adam, lbfgs, adagrad, rmsprop or adadelta.",
    "sgd; MLP: adam")]
BatchSize = Annotated[_Count, option(
    "--batch-size", "Rows of a step: of --solver gd, of an MLP.", "all; MLP: 200")]

Penalty = Annotated[_Text, option(
    "--penalty", "Linear: l2, l1, elasticnet or none.", "l2")]
C = Annotated[_Real, option(
    "--C", "Linear: in place of --alpha, which becomes 1 / (rows * C); > 0.", "not used")]
L1Ratio = Annotated[_Real, option(
    "--l1-ratio", "Linear: share of l1 in elasticnet, from 0 to 1.", "0.15")]
Epsilon = Annotated[_Real, option(
    "--epsilon", "Linear: constant of huber and the epsilon_insensitive losses, in units of the "
    "target; >= 0.", "0.1")]
NoIntercept = Annotated[bool, option(
    "--no-intercept", "Linear: leave the intercept at 0.", "off")]
Gap = Annotated[_Real, option(
    "--gap", "Linear: end when the objective is proven to be within this part of its optimum, a "
    "number > 0; in place of --tol.", "not used")]
Eta0 = Annotated[_Text, option(
    "--eta0", "Linear: first step size, a number > 0, which optimal does not use; or auto: found "
    "on a sample of the rows, for optimal too; not for pa1 and pa2.", "0.01")]
Average = Annotated[_Count, option(
    "--average", "Linear: average the weights from this step (row seen) on; 0 does not.", "0")]

Hidden = Annotated[_Text, option(
    "--hidden", "MLP: units of each hidden layer, as 128,64; or none.", "100")]
Activation = Annotated[_Text, option(
    "--activation", "MLP: identity, logistic, tanh or relu, of the hidden layers.", "relu")]
LearningRateInit = Annotated[_Real, option(
    "--learning-rate-init", "MLP: first step size, a number > 0.", "0.001")]
Momentum = Annotated[_Real, option(
    "--momentum", "MLP: of --solver sgd, by Nesterov's rule; >= 0 and < 1.", "0.9")]
Dropout = Annotated[_Text, option(
    "--dropout", "MLP: share of the units of hidden layers left out in each step, >= 0 and < 1; "
    "or a number for the input and one for each hidden layer, as 0.2,0.5.", "0")]
Lazy = Annotated[_Text, option(
    "--lazy", "MLP: whether a step moves only the weights of features that occur in its rows: "
    "yes, no or auto (where DATA is sparse).", "auto")]
Init = Annotated[_Text, option(
    "--init", "MLP: first weights, glorot or he.", "glorot")]

WorkerCount = Annotated[_Count, option(
    "--workers", "Processes that train together; with --comm mpi all of the job's.", "none")]
Policy = Annotated[_Text, option(
    "--policy", "How workers train together: sync (sums before each step) or local (each steps by "
    "itself, then weights are averaged).", "local for --solver sgd, else sync")]
OldWorkerSync = Annotated[list[str] | None, old_option("--worker-sync")]
LocalSteps = Annotated[_Count, option(
    "--local-steps", "Rows that a worker visits between two averages.", "16 averages an epoch")]
Comm = Annotated[_Text, option(
    "--comm", "How workers talk: process, mpi or thread.", "process")]
WorkerTimeout = Annotated[_Real, option(
    "--worker-timeout", "Seconds that a worker waits for the others.", "300")]
Rows = Annotated[_Text, option(
    "--rows", "What a process of --comm mpi reads: own (of N processes, process r the files r, "
    "r + N, ..., or its part of each) or all.", "own where the solver can, else all")]
Marker = Annotated[_Text, option(
    "--marker", "With --comm mpi: file that is written when all processes have ended well.",
    "name of the model's file and .done")]
Checkpoint = Annotated[_Text, option(
    "--checkpoint", "File to save the model in every --every epochs, for --resume.", "none")]
Every = Annotated[_Count, option("--every", "Epochs between two checkpoints.", "1")]
