"""The errors that fastsgd raises beside Python's own."""


class FastSGDError(Exception):
    """Base of fastsgd's own errors."""


class DivergenceError(FastSGDError, ValueError, FloatingPointError):
    """The weights left the range of floating point; the text names the epoch and the remedy."""


class ModelFileError(FastSGDError, ValueError):
    """A model file is damaged, truncated, foreign, or of a version this release cannot read."""


class DataFileError(FastSGDError, ValueError):
    """A data file is damaged, truncated, foreign, or lacks an array; the text says which."""


class ResumeError(FastSGDError, ValueError):
    """A training cannot go on so that it would equal an uninterrupted one."""


class NotBuiltYetError(FastSGDError, ValueError):
    """A reserved parameter was given a value that this release does not implement."""
