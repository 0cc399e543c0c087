"""The commands. What they do is imported when they run: --help is quick.

Their help is no docstring: `python -OO` has none.
"""

import click

from fastsgd.cli import options as o
from fastsgd.cli.errors import told
from fastsgd.cli.outputs import output_of
from fastsgd.cli.renamed import OldOptions

DATA = ("svmlight text (plain or compressed by gzip or bzip2), an .npz of numpy or scipy, or a "
        "binary cache; told by its content")


class InOrder(click.Group):
    """Commands that --help lists as they are written here, not by the alphabet."""

    def list_commands(self, ctx):
        return list(self.commands)


@click.group(
    cls=InOrder, no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]},
    help="Linear models and multilayer perceptrons for large sparse data, trained by stochastic "
    "gradient descent.",
    epilog=f"DATA is {DATA}; - is text from stdin. Exit codes: 0 good, 1 failed, 2 usage, 130 "
    "interrupted.")
def app():
    pass


@app.command(
    help="Train a model on DATA; print its objective and errors, and save it.",
    epilog=f"DATA: any number of files, which are read one after another: {DATA}; - is text from "
    "stdin.")
@o.taking(o.DATA_FILES, *o.OF_TRAINING, *o.PARAMETERS, *o.OF_WORKERS, *o.OF_CHECKPOINTS,
          o.DTYPE, o.N_FEATURES, o.ZERO_BASED, o.JSON, o.QUIET)
@told
def train(data, test, kind, save, old_models, resume, task, multilabel, marker, checkpoint, every,
          workers, policy, old_worker_sync, local_steps, comm, worker_timeout, rows, dtype,
          n_features, zero_based, as_json, quiet, no_intercept, **params):
    old_options = OldOptions()
    kind, path = o.kind_and_file(kind, save, old_models, old_options)
    policy = old_options.value("--policy", policy, "--worker-sync", old_worker_sync)
    base = o.base_of(zero_based)
    o.check_dtype(dtype)
    o.check_n_features(n_features)
    from fastsgd.cli.train import train as run

    params |= {"fit_intercept": False if no_intercept else None,  # None: not asked for
               "early_stopping": params["early_stopping"] or None,
               "average": params["average"] or None}
    run(data, test=test, kind=kind, model_path=path, resume=resume, task=task,
        multilabel=multilabel, dtype=dtype, n_features=n_features, base=base, as_json=as_json,
        quiet=quiet, marker=marker, checkpoint=checkpoint, every=every, old_options=old_options,
        params=params, workers={
            "n": workers, "policy": policy, "local_steps": local_steps, "comm": comm,
            "timeout": worker_timeout, "rows": rows})


@app.command(
    help="Print the label (or value) of each row of DATA, one a line; its labels are not used.",
    epilog=f"DATA: {DATA}; - is text from stdin.")
@o.taking(o.DATA, o.FITTED, o.PROBA, o.OUTPUT, o.ZERO_BASED, o.QUIET)
@told
def predict(data, model, proba, output, zero_based, quiet):
    base = o.base_of(zero_based)
    output = output_of(output or "-", "--output", used=[data, model], binary=False)
    from fastsgd.cli.predict import predict as run
    from fastsgd.model_file import load_model

    run(load_model(model), data, proba=proba, output=output, base=base, quiet=quiet)


@app.command(
    help="Print rows, error (or RMSE and R2), mean loss, and the objective: mean loss + penalty. "
    "A row with a label that the model lacks is an error, and counts in no loss.",
    epilog=f"DATA: {DATA}; - is text from stdin.")
@o.taking(o.DATA, o.FITTED, o.ZERO_BASED, o.JSON, o.QUIET)
@told
def evaluate(data, model, zero_based, as_json, quiet):
    base = o.base_of(zero_based)
    from fastsgd.cli.evaluate import evaluate as run
    from fastsgd.model_file import load_model

    run(load_model(model), data, base=base, as_json=as_json, quiet=quiet)


@app.command(help="Print what a model file holds: parameters, sizes and the largest weights.")
@o.taking(click.argument("model"), o.TOP, o.VOCABULARY, o.JSON)
@told
def inspect(model, top, vocabulary, as_json):
    from fastsgd.cli.inspect import inspect as run
    from fastsgd.model_file import load_model

    run(load_model(model), path=model, top=top, vocabulary=vocabulary, as_json=as_json)


@app.command(
    help="Write DATA as a binary cache, which is mapped into memory where others are read. CACHE "
    "is the file to write, replaced when it is whole; .fsgd-cache is the custom, - is stdout.",
    epilog=f"DATA: {DATA}; - is text from stdin.")
@o.taking(o.DATA, click.argument("cache"), o.DTYPE, o.N_FEATURES, o.ZERO_BASED, o.JSON)
@told
def convert(data, cache, dtype, n_features, zero_based, as_json):
    base = o.base_of(zero_based)
    o.check_dtype(dtype)
    o.check_n_features(n_features)
    cache = output_of(cache, "CACHE", used=[data])
    from fastsgd.cli.convert import convert as run

    run(data, cache, base=base, n_features=n_features, dtype=dtype, as_json=as_json)
