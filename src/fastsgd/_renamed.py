"""Old names that work for one more release, with a FutureWarning that names the new one.

CHANGELOG.md lists them for users. An entry is deleted in the release that the warning names.
"""

import functools

from fastsgd._warn import warn

SINCE, UNTIL = "0.2", "0.3"


def renaming(old, new):
    """The text on a renamed one: what to write instead, and how long the old name works."""
    return (f"{old} was renamed to {new} in fastsgd {SINCE} and will stop working in {UNTIL}; "
            f"use {new}")


def removal(old):
    """The text on a name without a successor, which never did anything."""
    return (f"{old} never had an effect, was removed in fastsgd {SINCE}, and will stop working in "
            f"{UNTIL}; leave it out")


def renamed_parameters(*, removed=(), **new_names):
    """Decorates a class: its old keyword parameters and attributes work, with a warning.

    Parameters
    ----------
    removed : sequence of str
        Reserved parameters that are gone. None is accepted and ignored, anything else is a
        TypeError; as attributes they are None.
    **new_names : str
        The new name of each old one.
    """

    def decorate(cls):
        init, missing = cls.__init__, getattr(cls, "__getattr__", None)
        assert missing is None, f"{cls} has a __getattr__ of its own"

        @functools.wraps(init)
        def __init__(self, *args, **kwargs):
            for old in [name for name in kwargs if name in new_names or name in removed]:
                _warn(cls, old)
            init(self, *args, **current_names(cls, kwargs))

        def __getattr__(self, name):
            if name not in new_names and name not in removed:
                raise AttributeError(f"{cls.__name__!r} object has no attribute {name!r}")
            _warn(cls, name)
            return getattr(self, new_names[name]) if name in new_names else None

        def __setstate__(self, state):
            self.__dict__.update(current_names(cls, state))

        cls.__init__, cls.__getattr__, cls.__setstate__ = __init__, __getattr__, __setstate__
        cls._new_names, cls._removed_names = new_names, tuple(removed)
        return cls

    return decorate


def current_names(cls, values):
    """Values by parameter of a class as a dict with today's names, without a warning.

    Raises
    ------
    TypeError
        Old and new name are both given, or a removed parameter has a value.
    """
    new_names = getattr(cls, "_new_names", {})
    removed = getattr(cls, "_removed_names", ())
    current = {}
    for name, value in values.items():
        if name in removed:
            if value is not None:
                raise TypeError(f"{removal(f'{cls.__name__}({name}=...)')}; got {value!r}")
            continue
        new = new_names.get(name, name)
        if new != name and new in values:
            raise TypeError(f"{cls.__name__} got both {name}={value!r} and {new}="
                            f"{values[new]!r}; {name} is the old name of {new}: give {new} only")
        current[new] = value
    return current


def _warn(cls, name):
    """Warns where a class is given, or is asked for, an old name; tells the user's own line."""
    new = cls._new_names.get(name)
    text = (removal(f"{cls.__name__}({name}=...)") if new is None
            else renaming(f"{cls.__name__}({name}=...)", f"{cls.__name__}({new}=...)"))
    warn(text, FutureWarning)


def renamed_attribute(module, name, new_names):
    """The attribute of a module by its old name, for the module's own ``__getattr__``.

    Parameters
    ----------
    module : module
    name : str
    new_names : dict
        The new name of each old one.

    Raises
    ------
    AttributeError
        The module never had such a name.
    """
    if name not in new_names:
        raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
    new, home = new_names[name], module.__name__
    warn(renaming(f"{home}.{name}", f"{home}.{new}"), FutureWarning)
    return getattr(module, new)
