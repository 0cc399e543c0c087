"""Rules about parameters: which combinations are refused, and what is told of each."""

from collections.abc import Callable
from typing import NamedTuple

from fastsgd.errors import NotBuiltYetError
from fastsgd.workers import needs_all_rows

DEVICES = ("cpu",)


class Rule(NamedTuple):
    """One combination that is refused.

    Attributes
    ----------
    when : callable
        ``when(asked)``: whether it is asked for.
    say : callable
        ``say(asked)``: what is told then.
    error : type
    """

    when: Callable
    say: Callable
    error: type = ValueError


class Group(NamedTuple):
    """Rules that are asked only ``when(asked)``."""

    when: Callable
    rules: list


def fired(asked, rules):
    """The first rule that stops what is asked for, or None."""
    for rule in rules:
        if rule.when(asked):
            found = fired(asked, rule.rules) if isinstance(rule, Group) else rule
            if found is not None:
                return found
    return None


def refuse(asked, rules):
    """Raises the error of the first rule that stops what is asked for."""
    rule = fired(asked, rules)
    if rule is not None:
        raise rule.error(rule.say(asked))


def not_built(name, built):
    """A rule for values of a parameter that later releases will fill; ``built()`` is there."""
    return Rule(
        lambda a: getattr(a.params, name, built()[0]) not in built(),
        lambda a: (f"{name}={getattr(a.params, name)!r} is not built yet; this release has "
                   + " and ".join(f"{name}={only!r}" for only in built()) + " only"),
        NotBuiltYetError)


def wrong_workers(a):
    """Error of the parameter `workers` itself, or None."""
    try:
        a.workers  # noqa: B018  (made when it is asked for)
    except ValueError as error:
        return str(error)
    return None


def all_rows(asks, what):
    """A rule for what needs to see all rows, where each process has its own."""
    return Rule(lambda a: a.workers.rows == "own" and asks(a),
                lambda a: needs_all_rows(what(a)))
