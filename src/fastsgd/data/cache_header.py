"""The header of a cache file, read with distrust: nothing it says is used unchecked."""

import json
import math
import os
import zlib

import numpy as np

from fastsgd import __version__
from fastsgd._integers import MOST_FEATURES
from fastsgd.data.arrays import INT32_MAX
from fastsgd.errors import DataFileError

FORMAT = "fastsgd_data"
FORMAT_VERSION = 1
LARGEST_HEADER = 1 << 20
REALS, INDICES = ("F64", "F32"), ("I64", "I32")
_TYPES = {"F64": "<f8", "F32": "<f4", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "<i1",
          "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "<u1", "BOOL": "?"}
DTYPES = {name: np.dtype(text) for name, text in _TYPES.items()}
"""The format's names of types."""

ARRAYS = {  # kind of X -> name of array -> the types and dimensions it may have
    "csr": {"data": (REALS, (1,)), "indices": (INDICES, (1,)), "indptr": (INDICES, (1,))},
    "dense": {"X": (REALS, (2,))},
}
TARGETS = {"y": (tuple(DTYPES), (1, 2))}


def checksum(text):
    """Checksum of the JSON text in the metadata, as it stands beside it."""
    return f"{zlib.crc32(text.encode()):08x}"


def read_header(file, path):
    """Description that a cache has of itself, and where its arrays are.

    Parameters
    ----------
    file : binary file object
        At its start.
    path : str
        For messages.

    Returns
    -------
    told : dict
        kind, shape, index_base, canonical, crc32; checked.
    places : dict
        Name of an array -> (dtype, shape, offset in the file); all within the file, and aligned.

    Raises
    ------
    DataFileError
    """
    size = os.fstat(file.fileno()).st_size
    try:
        header, begin = _json(file, size)
        told = _told(header.pop("__metadata__", None))
        told["index_base"] = told.get("index_base")
        return told, _places(told, header, begin, size)
    except ValueError as error:
        raise DataFileError(f"{path}: {error}") from error


def _json(file, size):
    """(the format's own header, where the arrays begin)."""
    start = file.read(9)
    if start[8:] != b"{":
        raise ValueError("is no data cache; fastsgd convert makes one of svmlight text or .npz")
    length = int.from_bytes(start[:8], "little")
    if length + 8 > size:
        raise ValueError("is cut off or damaged: its header is said to be longer than the file's "
                         f"{size} bytes; make it again (fastsgd convert)")
    if length > LARGEST_HEADER:
        raise ValueError(f"is no data cache: its header has {length} bytes, that of a cache has "
                         f"at most {LARGEST_HEADER}")
    text = b"{" + file.read(max(0, length - 1))
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is damaged: its header is not JSON ({error})") from error
    return header, 8 + length


def _told(metadata):
    """Contents of the metadata, checked."""
    metadata = metadata if isinstance(metadata, dict) else {}
    if FORMAT not in metadata:
        if "fastsgd" in metadata:
            raise ValueError("is a model file, not data; the command line takes it as --model or "
                             "--resume, Python by load_model")
        raise ValueError("is a safetensors file, but of another program and no data cache; "
                         "fastsgd convert makes one of svmlight text or .npz")
    try:
        told = json.loads(metadata[FORMAT])
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"is damaged: what it says of its data is not JSON ({error})") from error
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise ValueError("is damaged: its header is not that of a data cache")
    version = told.get("format_version")
    if not _is_count(version) or version < 1:
        raise ValueError(f"is damaged: it has no valid format version, got {version!r}")
    if version > FORMAT_VERSION:
        raise ValueError(
            f"is of format {version}, written by fastsgd {told.get('version')}; this is fastsgd "
            f"{__version__}, which reads formats up to {FORMAT_VERSION}. Upgrade fastsgd, or "
            "make the file again (fastsgd convert)")
    if metadata.get("crc32") != checksum(metadata[FORMAT]):
        raise ValueError("is damaged: its header does not match its checksum; copy it again or "
                         "make it again (fastsgd convert)")
    kind, shape = told.get("kind"), told.get("shape")
    for valid, what in (
        (isinstance(kind, str) and kind in ARRAYS, f"unknown kind {kind!r}"),
        (isinstance(shape, list) and len(shape) == 2 and all(map(_is_count, shape))
         and shape[1] > 0, f"shape is {shape!r}"),
        (told.get("index_base") is None or (_is_count(told["index_base"])
                                            and told["index_base"] <= 1),
         f"index_base is {told.get('index_base')!r}"),
        (isinstance(told.get("canonical"), bool), f"canonical is {told.get('canonical')!r}"),
        (isinstance(told.get("crc32"), dict), f"crc32 is {told.get('crc32')!r}"),
    ):
        if not valid:
            raise ValueError(f"is damaged: {what}; make it again (fastsgd convert)")
    return told


def _places(told, entries, begin, size):
    """Name -> (dtype, shape, offset) of the arrays that a cache of that kind has, and no other."""
    wanted = ARRAYS[told["kind"]] | ({"y": TARGETS["y"]} if "y" in entries else {})
    if set(entries) != set(wanted):
        raise ValueError(f"is damaged: it has the arrays {', '.join(sorted(entries)) or 'none'}; "
                         f"a {told['kind']} cache has {', '.join(wanted)}")
    places = {name: _place(name, entries[name], begin, size, *wanted[name]) for name in wanted}
    end = begin
    for dtype, shape, offset in sorted(  # an array of nothing before the one that begins there
            places.values(), key=lambda place: (place[2], math.prod(place[1]))):
        if offset != end:
            raise ValueError(f"is damaged: an array begins at byte {offset} in place of {end}")
        end += math.prod(shape) * dtype.itemsize
    if end != size:
        raise ValueError(f"is damaged: its arrays end at byte {end}, the file at {size}")
    if "y" in places and not all(places["y"][1][1:]):
        raise ValueError(f"is damaged: y has shape {places['y'][1]}")
    if told["kind"] == "dense":
        if list(places["X"][1]) != told["shape"]:
            raise ValueError(f"is damaged: X has shape {places['X'][1]}, not {told['shape']}")
        return places
    if places["data"][1] != places["indices"][1]:
        raise ValueError("is damaged: data and indices are not of one length")
    if places["indices"][0] != places["indptr"][0]:
        raise ValueError("is damaged: indices and indptr are not of one type")
    if max(told["shape"]) > (INT32_MAX if places["indices"][0].itemsize == 4 else 2**63 - 1):
        raise ValueError(f"is damaged: shape {told['shape']} is too large for its indices")
    return places


def _place(name, entry, begin, size, types, dimensions):
    try:
        kind, shape, (first, last) = entry["dtype"], entry["shape"], entry["data_offsets"]
    except (TypeError, KeyError, ValueError) as error:
        raise ValueError(f"is damaged: the header's entry of {name!r} is {entry!r}") from error
    if kind not in types:
        raise ValueError(f"is damaged: {name} is of type {kind!r}, not {' or '.join(types)}")
    if (not isinstance(shape, list) or len(shape) not in dimensions
            or not all(map(_is_count, shape))
            or (not math.prod(shape) and max(shape) > MOST_FEATURES)):  # no bytes tell of so many
        raise ValueError(f"is damaged: {name} has shape {shape!r}")
    if not _is_count(first) or not _is_count(last):
        raise ValueError(f"is damaged: {name} lies at {first!r} to {last!r}")
    dtype = DTYPES[kind]
    if last - first != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"is damaged: {name} of shape {shape} cannot have {last - first} bytes")
    if begin + last > size:
        raise ValueError(f"is cut off: {name} ends at byte {begin + last}, the file at {size}; "
                         "copy it again or make it again (fastsgd convert)")
    if (begin + first) % dtype.itemsize:
        raise ValueError(f"is damaged: {name} begins at byte {begin + first}, which is no "
                         f"multiple of its items' {dtype.itemsize} bytes")
    return dtype, tuple(shape), begin + first


def _is_count(value):
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
