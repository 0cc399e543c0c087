"""`target_of`: where writing to a path leads, and whether that can be before the work is done."""

import errno
import fcntl
import os
import re
import stat
from typing import NamedTuple

STANDARD = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}
MOST_LINKS = 40


class Target(NamedTuple):
    """Where writing to a path leads."""

    name: str
    """The path after all its links."""
    descriptor: int | None
    """The open file of this process that it stands for, if it does."""
    before: os.stat_result | None
    """Status of what is there; None: nothing."""
    special: bool
    """Whether it is written to as it is; False: it is replaced."""


def check_output(path, used=()):
    """Raises an error if `path` cannot be written, before the work whose result it shall hold.

    Parameters
    ----------
    path : str, bytes or path-like
    used : iterable of paths
        Files that are needed as they are: ValueError if `path` is one of them, by whatever name.

    Raises
    ------
    OSError
        It is a folder, a socket or a block device; its folder does not exist or cannot be written
        to; what is there cannot be written to.
    """
    path = os.fsdecode(path)
    target = target_of(path)
    for other in map(os.fsdecode, used):
        if _is_same(target, _place(other)):
            raise ValueError(f"{path}: this command also uses {other}, which is the same file; "
                             "name another file to write to")
    if target.descriptor is not None:
        if fcntl.fcntl(target.descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise PermissionError(errno.EBADF, "is not open for writing", path)
    elif target.special:
        if not may(target.name, os.W_OK):
            raise PermissionError(errno.EACCES, "no permission to write to it", path)
    else:
        _check_folder(target, path)


def is_replaced(path):
    """Whether `output_file` makes or replaces a regular file there; else it writes through."""
    return not target_of(os.fsdecode(path)).special


def _place(path):
    """The `Target` of any path, also of those that cannot be written to."""
    name, descriptor = path, None
    for _ in range(MOST_LINKS):
        descriptor = _descriptor(name)
        if descriptor is not None or not os.path.islink(name) or _in_proc(name):
            break
        name = os.path.join(os.path.dirname(name), os.readlink(name))
    try:
        before = os.stat(name) if descriptor is None else os.fstat(descriptor)
    except FileNotFoundError:
        before = None
    except OSError as error:
        error.filename = path
        raise
    # What a link in /proc stands for is an open file, which may have another name now, or none.
    special = descriptor is not None or (before is not None and (
        not stat.S_ISREG(before.st_mode) or os.path.islink(name)))
    return Target(name, descriptor, before, special)


def target_of(path):
    """The `Target` of a path that can be written to."""
    target = _place(path)
    name, before = target.name, target.before
    if before is None:
        folder = os.path.dirname(name) or os.curdir
        if not path or not os.path.isdir(folder):
            raise FileNotFoundError(errno.ENOENT, "no such folder to write to", folder)
        if name.endswith("/"):
            raise IsADirectoryError(errno.EISDIR, "is the name of a folder; give that of a file",
                                    path)
        return target
    for is_kind, kind in ((stat.S_ISDIR, "folder"), (stat.S_ISSOCK, "socket"),
                          (stat.S_ISBLK, "block device")):
        if is_kind(before.st_mode) and target.descriptor is None:
            error = IsADirectoryError if kind == "folder" else PermissionError
            number = errno.EISDIR if kind == "folder" else errno.EPERM
            raise error(number, f"is a {kind}; give the name of a file", path)
    return target


def _descriptor(path):
    """The number of the open file of this process that a path stands for, or None."""
    if path in STANDARD:
        return STANDARD[path]
    folder, name = os.path.split(path)
    if not (name.isascii() and name.isdigit()):
        return None
    folder = os.path.realpath(folder)
    own = re.escape(os.path.realpath("/proc/self"))
    return int(name) if re.fullmatch(f"/dev/fd|{own}(/task/[0-9]+)?/fd", folder) else None


def _in_proc(path):
    return os.path.realpath(os.path.dirname(path)).startswith("/proc/")


def _is_same(one, other):
    """Whether two targets are one regular file, or will be."""
    if one.before is None or other.before is None:
        return one.before is other.before and os.path.realpath(one.name) == os.path.realpath(
            other.name)
    return stat.S_ISREG(one.before.st_mode) and os.path.samestat(one.before, other.before)


def _check_folder(target, path):
    """Raises OSError if no file can be made in the folder, or this one not be replaced."""
    folder = os.path.dirname(target.name) or os.curdir
    if not may(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, "no permission to write in this folder", folder)
    if target.before is not None:
        around, user = os.stat(folder), os.geteuid()
        if around.st_mode & stat.S_ISVTX and user not in (0, around.st_uid, target.before.st_uid):
            raise PermissionError(errno.EPERM, "is another user's, in a folder where only he may "
                                  "replace it", path)


def may(path, way):
    """Whether who runs this process may do that there."""
    return os.access(path, way, effective_ids=os.access in os.supports_effective_ids)
