"""Names to objects; an unknown name is answered with the list of those that exist."""


class Registry(dict):
    """A dict whose missing key raises a ValueError that lists the valid names.

    Parameters
    ----------
    kind : str
        What the entries are, for the message: ``"loss"``.
    """

    def __init__(self, kind, entries):
        super().__init__(entries)
        self.kind = kind

    def __missing__(self, name):
        valid = ", ".join(repr(key) for key in self)
        raise ValueError(f"unknown {self.kind} {name!r}; the valid names are {valid}")
