"""Asks the rules of linear models, and finds the solver that the parameters stand for."""

from functools import cached_property

from fastsgd.kernels import tables
from fastsgd.plan.linear_rules import AFTER, BEFORE, OF_SOLVER
from fastsgd.plan.rules import fired, refuse
from fastsgd.schedules import SCHEDULES, line_search
from fastsgd.solvers import AUTO, BY_DATA, SOLVERS
from fastsgd.workers import as_workers


class Asked:
    """Request of a call: parameters, and what follows from them alone.

    Parameters
    ----------
    params : object
        Has the parameters as attributes: an estimator or a namespace. A classifier's have
        `class_weight`.
    call : {'fit', 'partial_fit', 'resume', 'certify'}
    first : bool
        Whether no call of `partial_fit` came before.

    Attributes
    ----------
    classifier : bool
    search : LineSearch or None
        Of `learning_rate`.
    solver : Solver
        The one that rules are asked about; set by `use`.
    takes_steps : bool
        Whether that follows `learning_rate`.
    choices : tuple of str
        Solvers among which solver='auto' chooses by the data.
    """

    choices: tuple = ()

    def __init__(self, params, call="fit", first=True):
        self.params, self.call, self.first = params, call, first
        self.classifier = hasattr(params, "class_weight")
        self.search = line_search(params.learning_rate)

    def use(self, solver):
        """Asks about this solver from now on."""
        self.solver, self.takes_steps = solver, solver.takes_steps
        self.__dict__.pop("workers", None)
        if self.params.workers is None:
            self.workers = None

    @cached_property
    def workers(self):
        """The `Workers`, or None: this process alone. An int stands for what suits the solver."""
        return as_workers(self.params.workers, "local" if self.solver.one_by_one else "sync")

    @cached_property
    def flags(self):
        """The flags of the schedule; 0 of a line search."""
        rate = self.params.learning_rate
        return 0 if self.search is not None else SCHEDULES[getattr(rate, "name", rate)][1]

    @property
    def has_l1(self):
        """Whether the penalty has a part of l1."""
        p = self.params
        return p.penalty == "l1" or (p.penalty == "elasticnet" and bool(p.l1_ratio))

    @property
    def has_l2(self):
        """Whether the penalty has a part of l2, and a weight."""
        p = self.params
        return (p.C is not None or p.alpha > 0) and (
            p.penalty == "l2" or (p.penalty == "elasticnet" and p.l1_ratio is not None
                                  and p.l1_ratio < 1))


def choose_solver(asked):
    """Gives `asked` the solver that `solver` stands for; returns the rule that stops it, or None.

    Raises
    ------
    ValueError
        The name is unknown.
    """
    name = asked.params.solver
    if name in SOLVERS:
        asked.use(SOLVERS[name])
        return fired(asked, OF_SOLVER)
    if name != "auto":
        raise ValueError(f"unknown solver {name!r}; the valid names are 'auto', "
                         + ", ".join(map(repr, SOLVERS)))
    stepping = (asked.params.sync == "hogwild"  # names of algorithms with steps
                or asked.search is not None or asked.flags & tables.PASSIVE_AGGRESSIVE)
    able = [name for name in AUTO
            if (SOLVERS[name].takes_steps or not stepping) and _takes_all(asked, name)]
    asked.use(SOLVERS[able[0] if able else "sgd"])  # whose refusal is told
    asked.choices = tuple(name for name in able if name in BY_DATA)
    return fired(asked, OF_SOLVER)


def _takes_all(asked, name):
    """Whether no rule stops the solver called `name`."""
    asked.use(SOLVERS[name])
    return fired(asked, OF_SOLVER) is None


def solver_of(params):
    """The `Solver` that the parameters stand for, whether or not it takes them all.

    Raises
    ------
    ValueError
        The name is unknown.
    """
    if params.solver in SOLVERS:
        return SOLVERS[params.solver]
    asked = Asked(params)
    choose_solver(asked)
    return asked.solver


def choices_of(params):
    """The names of the solvers that a training with these parameters may take."""
    asked = Asked(params)
    choose_solver(asked)
    return asked.choices or (asked.solver.name,)


def check(asked):
    """Refuses combinations that have no meaning; gives `asked` its solver.

    Raises
    ------
    ValueError
        The text says what is allowed instead.
    """
    refuse(asked, BEFORE)
    rule = choose_solver(asked)
    if rule is not None:
        text = rule.say(asked)
        raise ValueError(text if asked.params.solver != "auto" else (
            "solver='auto' finds none that takes all parameters; what "
            f"{asked.solver.name!r} says: {text}"))
    refuse(asked, AFTER)
