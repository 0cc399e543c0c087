"""Options by their old names: they still work, and a note on stderr names the new one."""

import click

from fastsgd._renamed import renaming
from fastsgd.cli.errors import say


def old_option(name, into):
    """An option that --help no longer shows: ``into`` gets all values that were given."""
    return click.option(name, into, multiple=True, hidden=True)


class OldOptions:
    """The old options that a command line has, so that they are told of once it is known to whom.

    Of the processes of a job only one shall tell, and which one is known when MPI has begun.
    """

    def __init__(self):
        self._told = []

    def value(self, name, given, old, old_values, alias=False):
        """The value of an option, or None; `old_values` were given by its old name.

        An `alias` stays, and is not told of.

        Raises
        ------
        click.BadParameter
            There is more than one value.
        """
        given = [] if given is None else [given]
        if old_values and not alias:
            self._told.append(renaming(old, name))
        if len(given) + len(old_values) > 1:
            what = f"; {old} is its {'alias' if alias else 'old name'}" if old_values else ""
            raise click.BadParameter(
                f"takes one value, got {' and '.join([*given, *old_values])}{what}",
                param_hint=name.split()[0])
        return next(iter([*given, *old_values]), None)

    def tell(self):
        """Prints a note for each old option."""
        for text in self._told:
            say(f"note: {text}")
