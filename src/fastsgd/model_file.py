"""`save_model` and `load_model`: a fitted model, and all that its training needs, in one file.

The file is a safetensors file: arrays, and in its metadata two strings. ``fastsgd`` is a JSON
object (format, format_version, version of fastsgd, estimator, and what that estimator's module
adds); ``sha256`` is the digest of that string and of every array. Nothing in it is ever run.
"""

import hashlib
import json
import os
import shutil
import stat
import tempfile
from contextlib import contextmanager

import numpy as np
from safetensors import SafetensorError, safe_open

from fastsgd import __version__
from fastsgd._interrupts import orderly
from fastsgd.errors import ModelFileError
from fastsgd.models.registry import HOMES, class_of, file_parts
from fastsgd.output_file import output_file
from fastsgd.tensor_file import write_tensors

FORMAT = "fastsgd"
FORMAT_VERSION = 1


@orderly
def save_model(model, path):
    """Writes a fitted model to a file that `load_model` reads.

    The file is also a checkpoint: `partial_fit` and `resume` go on from it with the same bits.
    It is written under another name in the same folder and renamed once it is whole, so that an
    older file at `path` is replaced at once or not at all; its mode is kept. A device or a named
    pipe is written to.

    Parameters
    ----------
    model : FastSGDClassifier, FastSGDRegressor, FastMLPClassifier or FastMLPRegressor
        Fitted. A RandomState in `random_state` is stored as None; the seeds drawn from it are
        kept, or where it stands, so that `resume` does not notice.
    path : str, bytes or path-like
        Any name; ``.fsgd`` is the custom.

    Raises
    ------
    TypeError
        The model is of another class, or a parameter, a class or a feature name is of a type that
        cannot be stored.
    sklearn.exceptions.NotFittedError
    OSError
        It cannot be written, or not to its end; an older file at `path` is whole.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from fastsgd import FastSGDRegressor, load_model, save_model
    >>> X = np.linspace(-1, 1, 50)[:, None]
    >>> model = FastSGDRegressor(random_state=0).fit(X, X[:, 0])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.fsgd")
    ...     save_model(model, path)
    ...     again = load_model(path)
    >>> bool(np.all(again.predict(X) == model.predict(X)))
    True
    """
    name = getattr(model, "model_name", None)
    if name not in HOMES or type(model).__module__.partition(".")[0] != "fastsgd":
        raise TypeError(f"save_model stores {', '.join(HOMES)}; got {type(model).__qualname__}")
    header, arrays = file_parts(type(model)).take_apart(model)
    arrays = {key: np.ascontiguousarray(array) for key, array in arrays.items()}
    text = json.dumps({
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "version": __version__,
        "estimator": name,
        **header,
    })
    metadata = {FORMAT: text, "sha256": _digest(text, arrays)}
    with output_file(path) as file:
        write_tensors(file, {name: (array, array.dtype.newbyteorder("<"))
                             for name, array in arrays.items()}, metadata)


def load_model(path):
    """Reads a model that `save_model` wrote. No code from the file is run, whatever it holds.

    Parameters
    ----------
    path : str, bytes or path-like
        What is no regular file, such as a named pipe, is read to its end first.

    Returns
    -------
    FastSGDClassifier, FastSGDRegressor, FastMLPClassifier or FastMLPRegressor

    Raises
    ------
    ModelFileError
        The file is empty, damaged, cut off, of another program, or of a newer format; the text
        says which, and what to do.
    OSError
        It cannot be read.
    """
    path = os.fsdecode(path)
    with _as_regular_file(path) as name:
        text, arrays = _read(name, path)
    header = _checked_header(path, text)
    name = header.get("estimator")
    if not isinstance(name, str) or name not in HOMES:
        raise ModelFileError(
            f"{path}: holds a model of unknown class {name!r}; this release reads "
            + ", ".join(HOMES))
    try:
        cls = class_of(name)
        return file_parts(cls).put_together(cls, header, arrays)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError,
            ArithmeticError, RecursionError) as error:
        what = f"lacks {error}" if isinstance(error, KeyError) else str(error)
        raise ModelFileError(
            f"{path}: is not a valid {name}: {what}. Save the model again, with this release"
        ) from error


@contextmanager
def _as_regular_file(path):
    """The name of a file with this content that can be read anywhere in it."""
    with open(path, "rb") as file:
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            yield path
            return
        with tempfile.NamedTemporaryFile() as copy:
            start = file.read(16)
            copy.write(start)
            if start[8:9] == b"{":  # what is no model may have no end
                shutil.copyfileobj(file, copy)
            copy.flush()
            yield copy.name


def _read(name, path):
    """(JSON text, arrays) of the file `name` whose digest is right; messages call it `path`."""
    size = os.path.getsize(name)
    with open(name, "rb") as file:
        start = file.read(16)
    if not start:
        raise ModelFileError(f"{path}: is empty; save the model again")
    if start[8:9] != b"{":
        raise ModelFileError(
            f"{path}: is not a fastsgd model file (nor any safetensors file)"
            + ("; it looks like a pickle, which is never opened since it may run code"
               if start[:1] == b"\x80" else "")
            + "; give a file that save_model wrote")
    if int.from_bytes(start[:8], "little") + 8 > size:
        raise ModelFileError(
            f"{path}: is cut off or damaged: its header is said to be longer than the file's "
            f"{size} bytes; copy it again or save the model again")
    try:
        with safe_open(name, framework="numpy") as file:
            metadata = file.metadata() or {}
            if "fastsgd_data" in metadata:
                raise ModelFileError(
                    f"{path}: is a data cache, not a model; give a file that save_model wrote")
            if FORMAT not in metadata:
                raise ModelFileError(
                    f"{path}: is a safetensors file, but of another program; give a file that "
                    "save_model wrote")
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, TypeError, ValueError, KeyError, AttributeError) as error:
        if isinstance(error, ModelFileError):
            raise
        raise ModelFileError(
            f"{path}: is cut off or damaged ({error}); copy it again or save the model again"
        ) from error
    text = metadata[FORMAT]
    if metadata.get("sha256") != _digest(text, arrays):
        raise ModelFileError(
            f"{path}: is damaged: its contents do not match their checksum; copy it again or save "
            "the model again")
    return text, arrays


def _checked_header(path, text):
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{path}: its header is not JSON: {error}") from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise ModelFileError(f"{path}: its header is not that of a fastsgd model")
    version = header.get("format_version")
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise ModelFileError(f"{path}: has no valid format version, got {version!r}")
    if version > FORMAT_VERSION:
        raise ModelFileError(
            f"{path}: is of format {version}, written by fastsgd {header.get('version')}; this is "
            f"fastsgd {__version__}, which reads formats up to {FORMAT_VERSION}. Upgrade "
            "fastsgd")
    return header


def _digest(text, arrays):
    """SHA-256 of the header and of the arrays with their names, types and shapes."""
    digest = hashlib.sha256(text.encode())
    for key in sorted(arrays):
        array = arrays[key]
        digest.update(f"\n{key} {array.dtype.str} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
