"""`output_file`: what a path names gets a new content, whole or not at all.

A regular file is replaced by a rename. The new one is written under another name in the same
folder, whose lock (flock) its writer holds: where nobody holds it the writer was killed, and the
next one that writes in this folder removes it. What is there and no regular file (a device, a
named pipe, an open file such as /dev/stdout) is never replaced but written to. Links stay.
"""

import errno
import fcntl
import os
import re
import secrets
import shutil
import stat
from contextlib import contextmanager, suppress

from fastsgd._interrupts import whole
from fastsgd.output_target import may, target_of

TEMPORARY = re.compile(r"\.fastsgd-[0-9a-f]{16}\.tmp")
"""Names of unfinished files: as short for any file, since that of the file may be the longest
that the system takes."""
ACL = "system.posix_acl_access"


@contextmanager
def output_file(path):
    """Gives a binary file object; what was written there becomes the content of `path` at the end.

    A new file has the mode that ``open(path, "wb")`` gives it; one that is replaced keeps its
    mode, and its owner and group where the system lets us. It is flushed to the disk before it is
    renamed, so that after an exception, a kill or a crash `path` is as it was. To what is no
    regular file bytes go as they come. Several writers, threads or processes, do no harm to one
    another: the last to end has its file there.

    Parameters
    ----------
    path : str, bytes or path-like

    Raises
    ------
    OSError
        With `path` as its filename: it cannot be written, or not to its end (the disk is full).
    """
    path = os.fsdecode(path)
    try:
        target = target_of(path)
        with (_through if target.special else _replaced)(target) as file:
            yield file
    except OSError as error:
        if error.errno is not None and (
                error.filename is None or TEMPORARY.search(str(error.filename))):
            error.filename, error.filename2 = path, None
        raise


def remove_output(path):
    """Removes the regular file that `path` names, if there is one; a link to it stays."""
    target = target_of(os.fsdecode(path))
    if not target.special:
        with suppress(FileNotFoundError):
            os.unlink(target.name)


@contextmanager
def _through(target):
    """A file object that writes to what is there."""
    if target.descriptor is None:
        descriptor = os.open(target.name, os.O_WRONLY | os.O_TRUNC | os.O_NOCTTY)
    else:
        descriptor = os.dup(target.descriptor)
    file = os.fdopen(descriptor, "wb")
    try:
        yield file
        file.flush()
    except BaseException:
        with suppress(OSError):  # it tries to write the rest once more
            file.close()
        raise
    file.close()


@contextmanager
def _replaced(target):
    """A file object of a new file that replaces the old one at the end."""
    folder = os.path.dirname(target.name) or os.curdir
    _remove_abandoned(folder)
    with _Unfinished() as new:
        # Nobody opens it before it has the mode of the old file.
        new.make(folder, 0o666 if target.before is None else 0o600)
        yield new.file
        new.file.flush()
        if target.before is not None:
            _take_over(new.file.fileno(), target)
        os.fsync(new.file.fileno())
        new.rename(target.name)
    _flush_folder(folder)


class _Unfinished:
    """A file that is closed at the end of a `with` block, and removed unless it was renamed.

    Interrupts come before or after the making, the renaming and the removing.
    """

    def __init__(self):
        self._name = self.file = None

    def __enter__(self):
        return self

    @whole
    def make(self, folder, mode):
        self._name, descriptor = _new_file(folder, mode)
        self.file = os.fdopen(descriptor, "wb")

    @whole
    def rename(self, path):
        _rename(self._name, path)
        self._name = None

    @whole
    def __exit__(self, *error):
        if self.file is not None:
            with suppress(OSError):  # it tries to write the rest once more
                self.file.close()
        if self._name is not None:
            with suppress(OSError):
                os.unlink(self._name)


def _rename(name, path):
    try:
        os.replace(name, path)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        # A mount of its own, as containers have them of single files: nothing can take its place.
        with open(name, "rb") as file, open(path, "r+b") as place:
            shutil.copyfileobj(file, place)
            place.truncate()
            place.flush()
            os.fsync(place.fileno())
        os.unlink(name)


def _new_file(folder, mode):
    """(name, descriptor) of a new locked file."""
    while True:
        name = os.path.join(folder, f".fastsgd-{secrets.token_hex(8)}.tmp")
        descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
        # Between these two lines another writer may take it for abandoned.
        if _lock(descriptor) is not False and _is_at(descriptor, name):
            return name, descriptor
        os.close(descriptor)


def _lock(descriptor):
    """Whether the lock was free and is ours now; None: this file system has no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _is_at(descriptor, name):
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(name))
    except FileNotFoundError:
        return False


def _remove_abandoned(folder):
    """Removes the unfinished files of writers that were killed."""
    with suppress(OSError):  # what cannot be listed, opened or removed stays
        for name in filter(TEMPORARY.fullmatch, os.listdir(folder)):
            with suppress(OSError):
                _remove_if_abandoned(os.path.join(folder, name))


@whole
def _remove_if_abandoned(name):
    # NFS locks only what is open for writing; some other files may only be read.
    way = os.O_RDWR if may(name, os.W_OK) else os.O_RDONLY
    descriptor = os.open(name, way | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if (stat.S_ISREG(os.fstat(descriptor).st_mode) and _lock(descriptor)
                and _is_at(descriptor, name)):
            os.unlink(name)
    finally:
        os.close(descriptor)


def _take_over(descriptor, target):
    """Gives the new file the owner, the group and the mode of the old one."""
    before, mode = target.before, stat.S_IMODE(target.before.st_mode)
    try:
        os.fchown(descriptor, before.st_uid, before.st_gid)
    except OSError:
        mode &= ~stat.S_ISUID
        try:
            os.fchown(descriptor, -1, before.st_gid)
        except OSError:  # its group is another one, which is allowed what all are
            mode = mode & ~(stat.S_ISGID | stat.S_IRWXG) | (mode & stat.S_IRWXO) << 3
    _copy_acl(descriptor, target.name)
    with suppress(OSError):  # some file systems have no modes
        os.fchmod(descriptor, mode)


def _copy_acl(descriptor, name):
    """The list of who else may what, instead of one that the folder gave; only Linux has it."""
    if not hasattr(os, "getxattr"):
        return
    with suppress(OSError):  # there is none, or there are none in this file system
        os.removexattr(descriptor, ACL)
    with suppress(OSError):
        os.setxattr(descriptor, ACL, os.getxattr(name, ACL))


@whole
def _flush_folder(folder):
    """The new name is on the disk too; where folders cannot be flushed it is in time."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
            raise
    finally:
        os.close(descriptor)
