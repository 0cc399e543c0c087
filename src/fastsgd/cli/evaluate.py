"""The command `evaluate`."""

from fastsgd.cli.data import read_for
from fastsgd.cli.measure import measure
from fastsgd.cli.show import show
from fastsgd.cli.targets import answers_of, measurable
from fastsgd.cli.workers import ALONE


def evaluate(model, data, *, base, as_json, quiet):
    """Reads, measures, prints."""
    X, y = read_for(model, data, base=base, quiet=quiet)
    y = measurable(data, X, y, answers_of(model), ALONE, quiet)
    show(measure(model, X, y), as_json)
