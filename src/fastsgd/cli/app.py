"""The commands. What they do is imported when they run: --help is quick.

Their help is no docstring: `python -OO` has none.
"""

from typing import Annotated

import typer

from fastsgd.cli import options as o
from fastsgd.cli.errors import told
from fastsgd.cli.outputs import output_of
from fastsgd.cli.renamed import OldOptions

app = typer.Typer(
    add_completion=False, no_args_is_help=True, rich_markup_mode=None,
    pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]},
    help="Linear models and multilayer perceptrons for large sparse data, trained by stochastic "
    "gradient descent.",
    epilog="DATA is svmlight text (plain or compressed by gzip or bzip2), an .npz of numpy or "
    "scipy, or a binary cache; told by its content. Exit codes: 0 good, 1 failed, 2 usage, 130 "
    "interrupted.",
)


@app.command(help="Train a model on DATA; print its objective and errors, and save it.")
@told
def train(
    data: o.DataFiles,
    test: o.Test = None,
    kind: o.Kind = None,
    save: o.Save = None,
    old_models: o.OldModels = None,
    resume: o.Resume = None,
    task: o.Task = None,
    multilabel: o.Multilabel = False,
    loss: o.Loss = None,
    hidden: o.Hidden = None,
    activation: o.Activation = None,
    penalty: o.Penalty = None,
    alpha: o.Alpha = None,
    C: o.C = None,
    l1_ratio: o.L1Ratio = None,
    epsilon: o.Epsilon = None,
    no_intercept: o.NoIntercept = False,
    class_weight: o.ClassWeight = None,
    epochs: o.Epochs = None,
    max_time: o.MaxTime = None,
    tol: o.Tol = None,
    gap: o.Gap = None,
    n_iter_no_change: o.NIterNoChange = None,
    early_stopping: o.EarlyStopping = False,
    validation_fraction: o.ValidationFraction = None,
    learning_rate: o.LearningRate = None,
    eta0: o.Eta0 = None,
    learning_rate_init: o.LearningRateInit = None,
    power_t: o.PowerT = None,
    momentum: o.Momentum = None,
    average: o.Average = None,
    dropout: o.Dropout = None,
    lazy: o.Lazy = None,
    init: o.Init = None,
    shuffle: o.Shuffle = None,
    seed: o.Seed = None,
    n_jobs: o.NJobs = None,
    sync: o.Sync = None,
    solver: o.Solver = None,
    batch_size: o.BatchSize = None,
    workers: o.WorkerCount = None,
    policy: o.Policy = None,
    old_worker_sync: o.OldWorkerSync = None,
    local_steps: o.LocalSteps = None,
    comm: o.Comm = None,
    worker_timeout: o.WorkerTimeout = None,
    rows: o.Rows = None,
    marker: o.Marker = None,
    checkpoint: o.Checkpoint = None,
    every: o.Every = None,
    dtype: o.Dtype = None,
    n_features: o.NFeatures = None,
    zero_based: o.ZeroBased = "auto",
    as_json: o.Json = False,
    quiet: o.Quiet = False,
):
    old_options = OldOptions()
    kind, path = o.kind_and_file(kind, save, old_models, old_options)
    policy = old_options.value("--policy", policy, "--worker-sync", old_worker_sync or [])
    base = o.base_of(zero_based)
    o.check_dtype(dtype)
    o.check_n_features(n_features)
    from fastsgd.cli.train import train as run

    run(data, test=test, kind=kind, model_path=path, resume=resume, task=task,
        multilabel=multilabel, dtype=dtype,
        n_features=n_features, base=base, as_json=as_json, quiet=quiet, marker=marker,
        checkpoint=checkpoint, every=every, old_options=old_options, workers={
            "n": workers, "policy": policy, "local_steps": local_steps, "comm": comm,
            "timeout": worker_timeout, "rows": rows}, params={
            "loss": loss, "hidden_layer_sizes": hidden, "activation": activation,
            "penalty": penalty, "alpha": alpha, "C": C, "l1_ratio": l1_ratio, "epsilon": epsilon,
            "fit_intercept": False if no_intercept else None, "class_weight": class_weight,
            "max_iter": epochs, "max_time": max_time, "tol": tol, "gap": gap,
            "n_iter_no_change": n_iter_no_change, "early_stopping": early_stopping or None,
            "validation_fraction": validation_fraction, "learning_rate": learning_rate,
            "eta0": eta0, "learning_rate_init": learning_rate_init, "power_t": power_t,
            "momentum": momentum, "average": average or None, "dropout": dropout, "lazy": lazy,
            "init": init, "shuffle": shuffle, "random_state": seed, "n_jobs": n_jobs,
            "sync": sync, "solver": solver, "batch_size": batch_size})


@app.command(
    help="Print the label (or value) of each row of DATA, one a line; its labels are not used.")
@told
def predict(
    data: o.Data,
    model: o.Fitted,
    proba: o.Proba = False,
    output: o.Output = None,
    zero_based: o.ZeroBased = "auto",
    quiet: o.Quiet = False,
):
    base = o.base_of(zero_based)
    output = output_of(output or "-", "--output", used=[data, model], binary=False)
    from fastsgd.cli.predict import predict as run
    from fastsgd.model_file import load_model

    run(load_model(model), data, proba=proba, output=output, base=base, quiet=quiet)


@app.command(
    help="Print rows, error (or RMSE and R2), mean loss, and the objective: mean loss + penalty. "
    "A row with a label that the model lacks is an error, and counts in no loss.")
@told
def evaluate(
    data: o.Data,
    model: o.Fitted,
    zero_based: o.ZeroBased = "auto",
    as_json: o.Json = False,
    quiet: o.Quiet = False,
):
    base = o.base_of(zero_based)
    from fastsgd.cli.evaluate import evaluate as run
    from fastsgd.model_file import load_model

    run(load_model(model), data, base=base, as_json=as_json, quiet=quiet)


@app.command(help="Print what a model file holds: parameters, sizes and the largest weights.")
@told
def inspect(
    model: Annotated[str, typer.Argument(help="Model file.", show_default=False)],
    top: o.Top = 20,
    vocabulary: o.Vocabulary = None,
    as_json: o.Json = False,
):
    from fastsgd.cli.inspect import inspect as run
    from fastsgd.model_file import load_model

    run(load_model(model), path=model, top=top, vocabulary=vocabulary, as_json=as_json)


@app.command(
    help="Write DATA as a binary cache, which is mapped into memory where others are read.")
@told
def convert(
    data: o.Data,
    cache: Annotated[str, typer.Argument(
        help="File to write, replaced when it is whole; .fsgd-cache is the custom, - is stdout",
        show_default=False)],
    dtype: o.Dtype = None,
    n_features: o.NFeatures = None,
    zero_based: o.ZeroBased = "auto",
    as_json: o.Json = False,
):
    base = o.base_of(zero_based)
    o.check_dtype(dtype)
    o.check_n_features(n_features)
    cache = output_of(cache, "CACHE", used=[data])
    from fastsgd.cli.convert import convert as run

    run(data, cache, base=base, n_features=n_features, dtype=dtype, as_json=as_json)
