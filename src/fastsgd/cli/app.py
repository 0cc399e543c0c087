"""The commands and their options. What they do is imported when they run: --help is quick."""

from typing import Annotated, TypeAlias

import typer

from fastsgd.cli.errors import check_writable, told

app = typer.Typer(
    add_completion=False, no_args_is_help=True, rich_markup_mode=None,
    pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]},
    help="Linear models for large sparse data, trained by stochastic gradient descent.",
    epilog="DATA is svmlight text, plain or compressed by gzip or bzip2; - is stdin. Exit codes: "
    "0 good, 1 failed, 2 usage, 130 interrupted.",
)

BASES = {"auto": None, "yes": 0, "no": 1}


def option(name, text, default=None):
    """An option; `default` is what --help shows where None stands for it."""
    return typer.Option(name, help=text, show_default=default or True)


Data = Annotated[str, typer.Argument(help="svmlight text; - is stdin", show_default=False)]
Model = Annotated[str, typer.Option("--model", help="Model file.", show_default=False)]
Json = Annotated[bool, option("--json", "Print one JSON object.", "off")]
Quiet = Annotated[bool, option("--quiet", "No progress and no notes on stderr.", "off")]
ZeroBased = Annotated[str, option(
    "--zero-based", "Whether feature numbers start at 0: yes, no or auto (as in the training; for "
    "new data 1 if there is no feature 0).")]
Text: TypeAlias = str | None
Real: TypeAlias = float | None
Count: TypeAlias = int | None


def _base(zero_based):
    if zero_based not in BASES:
        raise typer.BadParameter(
            f"must be auto, yes or no, got {zero_based}", param_hint="--zero-based")
    return BASES[zero_based]


@app.command()
@told
def train(
    data: Data,
    test: Annotated[Text, option(
        "--test", "Rows to measure the result on; as wide as DATA.", "none")] = None,
    model: Annotated[Text, option(
        "--model", "Where to save the model; also after Ctrl-C.", "not saved")] = None,
    resume: Annotated[Text, option(
        "--resume", "A model to go on from, up to --epochs in total; DATA must be the same. With "
        "one thread the result is bit for bit that of an uninterrupted run.", "none")] = None,
    task: Annotated[Text, option(
        "--task", "classify or regress.", "regress for the losses squared_error, huber, "
        "epsilon_insensitive, squared_epsilon_insensitive; else classify")] = None,
    loss: Annotated[Text, option(
        "--loss", "hinge, squared_hinge, log_loss, modified_huber, perceptron; squared_error, "
        "huber, epsilon_insensitive, squared_epsilon_insensitive.",
        "hinge; to regress squared_error")] = None,
    penalty: Annotated[Text, option("--penalty", "l2, l1, elasticnet or none.", "l2")] = None,
    alpha: Annotated[Real, option(
        "--alpha", "Weight of the penalty, a number >= 0.", "0.0001")] = None,
    C: Annotated[Real, option(
        "--C", "In place of --alpha, which becomes 1 / (rows * C); > 0.", "not used")] = None,
    l1_ratio: Annotated[Real, option(
        "--l1-ratio", "Share of l1 in elasticnet, from 0 to 1.", "0.15")] = None,
    epsilon: Annotated[Real, option(
        "--epsilon", "Constant of huber and the epsilon_insensitive losses, in units of the "
        "target; >= 0.", "0.1")] = None,
    no_intercept: Annotated[bool, option(
        "--no-intercept", "Leave the intercept at 0.", "off")] = False,
    class_weight: Annotated[Text, option(
        "--class-weight", "balanced, balanced_running, or LABEL=WEIGHT,LABEL=WEIGHT.",
        "all 1")] = None,
    epochs: Annotated[Count, option(
        "--epochs", "Passes over the rows at most, in total.", "1000; on --resume the "
        "model's")] = None,
    max_time: Annotated[Text, option(
        "--max-time", "Seconds of training, > 0 (or none: no limit), after which it ends with the "
        "best model so far; reading DATA is not counted.",
        "none; on --resume the model's")] = None,
    tol: Annotated[Text, option(
        "--tol", "End when the objective has not fallen by this much (or none: never).",
        "0.001")] = None,
    gap: Annotated[Real, option(
        "--gap", "End when the objective is proven to be within this part of its optimum, a "
        "number > 0; in place of --tol.", "not used")] = None,
    n_iter_no_change: Annotated[Count, option(
        "--n-iter-no-change", "Epochs without such progress that end it.", "5")] = None,
    early_stopping: Annotated[bool, option(
        "--early-stopping", "Judge progress by rows that are held out.", "off")] = False,
    validation_fraction: Annotated[Real, option(
        "--validation-fraction", "Share of the rows that --early-stopping holds out, between 0 "
        "and 1.", "0.1")] = None,
    learning_rate: Annotated[Text, option(
        "--learning-rate", "Step size by step: constant, optimal, invscaling, adaptive, pa1, pa2 "
        "or cosine; with --solver gd also exact and backtracking.",
        "optimal; to regress invscaling")] = None,
    eta0: Annotated[Text, option(
        "--eta0", "First step size, a number > 0, which optimal does not use; or auto: found on a "
        "sample of the rows, for optimal too; not for pa1 and pa2.", "0.01")] = None,
    power_t: Annotated[Real, option(
        "--power-t", "Exponent of invscaling: eta0 / step ** power_t.",
        "0.5; to regress 0.25")] = None,
    average: Annotated[Count, option(
        "--average", "Average the weights from this step (row seen) on; 0 does not.", "0")] = None,
    shuffle: Annotated[Text, option(
        "--shuffle", "Order of rows: blocks (new in each epoch), rows (single ones, slower) or "
        "none (as they lie).", "blocks")] = None,
    seed: Annotated[Count, option(
        "--seed", "Integer >= 0 for the order of rows; the same gives the same model.",
        "random")] = None,
    n_jobs: Annotated[Count, option(
        "--n-jobs", "Threads; -1 is all cores.", "all cores where they pay")] = None,
    sync: Annotated[Text, option(
        "--sync", "How threads share the model: auto, serial, merge, hogwild, "
        "round_robin or classes; map_reduce for the solvers that sum over all rows.",
        "auto")] = None,
    solver: Annotated[Text, option(
        "--solver", "sgd (steps by single rows), sdca (dual ascent), gd, lbfgs, newton-cg (sums "
        "over all rows), or auto.",
        "sgd")] = None,
    batch_size: Annotated[Count, option(
        "--batch-size", "Rows of a step of --solver gd.", "all")] = None,
    dtype: Annotated[Text, option(
        "--dtype", "float32 or float64, of the data and the model.", "float64")] = None,
    n_features: Annotated[Count, option(
        "--n-features", "Features of the model.", "as many as DATA has")] = None,
    zero_based: ZeroBased = "auto",
    as_json: Json = False,
    quiet: Quiet = False,
):
    """Train a model on DATA; print its objective and errors, and save it."""
    base = _base(zero_based)
    if dtype not in (None, "float32", "float64"):
        raise typer.BadParameter(
            f"must be float32 or float64, got {dtype}", param_hint="--dtype")
    if n_features is not None and n_features < 1:
        raise typer.BadParameter(f"must be >= 1, got {n_features}", param_hint="--n-features")
    from fastsgd.cli.train import train as run

    run(data, test=test, model_path=model, resume=resume, task=task, dtype=dtype,
        n_features=n_features, base=base, as_json=as_json, quiet=quiet, params={
            "loss": loss, "penalty": penalty, "alpha": alpha, "C": C, "l1_ratio": l1_ratio,
            "epsilon": epsilon, "fit_intercept": False if no_intercept else None,
            "class_weight": class_weight, "max_iter": epochs, "max_time": max_time, "tol": tol,
            "gap": gap,
            "n_iter_no_change": n_iter_no_change, "early_stopping": early_stopping or None,
            "validation_fraction": validation_fraction, "learning_rate": learning_rate,
            "eta0": eta0, "power_t": power_t, "average": average or None,
            "shuffle": shuffle, "random_state": seed, "n_jobs": n_jobs, "sync": sync,
            "solver": solver, "batch_size": batch_size})


@app.command()
@told
def predict(
    data: Data,
    model: Model,
    proba: Annotated[bool, option(
        "--proba", "Probabilities in place of labels, in the order of inspect's classes.",
        "off")] = False,
    output: Annotated[Text, option(
        "--output", "File to write to, replaced when it is whole.", "stdout")] = None,
    zero_based: ZeroBased = "auto",
    quiet: Quiet = False,
):
    """Print the label (or value) of each row of DATA, one a line; its labels are not used."""
    base = _base(zero_based)
    check_writable(output)
    from fastsgd import load_model
    from fastsgd.cli.predict import predict as run

    run(load_model(model), data, proba=proba, output=output, base=base, quiet=quiet)


@app.command()
@told
def evaluate(
    data: Data,
    model: Model,
    zero_based: ZeroBased = "auto",
    as_json: Json = False,
    quiet: Quiet = False,
):
    """Print rows, error (or RMSE and R2), mean loss, and the objective: mean loss + alpha R(w)."""
    base = _base(zero_based)
    from fastsgd import load_model
    from fastsgd.cli.data import read_for
    from fastsgd.cli.measure import measure, show

    fitted = load_model(model)
    show(measure(fitted, *read_for(fitted, data, base=base, quiet=quiet)), as_json)


@app.command()
@told
def inspect(
    model: Annotated[str, typer.Argument(help="Model file.", show_default=False)],
    top: Annotated[int, typer.Option(
        "--top", help="Weights of largest size to list, for each class.", min=0)] = 20,
    vocabulary: Annotated[Text, option(
        "--vocabulary", "Text, plain or .gz, whose line k names the k-th feature.",
        "none")] = None,
    as_json: Json = False,
):
    """Print what a model file holds: parameters, sizes and the largest weights."""
    from fastsgd import load_model
    from fastsgd.cli.inspect import inspect as run

    run(load_model(model), path=model, top=top, vocabulary=vocabulary, as_json=as_json)
