"""What an output file replaces and what it leaves: modes, owners, links, devices, pipes."""

# ruff: noqa: F811 (fixtures that are imported)

import errno
import os
import socket
import stat
import struct
import subprocess
import threading

import pytest
from output_writers import X, Y, device, is_whole, kind, put, write, write_cache, write_model  # noqa: F401

from fastsgd import output_file
from fastsgd.checkpoints import train_in_legs
from fastsgd.output_file import remove_output
from fastsgd.output_target import check_output, is_replaced

ROOT = os.geteuid() == 0


@pytest.fixture
def umask():
    before = os.umask(0o022)
    yield lambda mask: os.umask(mask)
    os.umask(before)


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


@pytest.mark.parametrize("mask", [0o022, 0o002, 0o077, 0])
def test_a_new_file_has_the_mode_that_open_gives_it(kind, write, tmp_path, umask, mask):
    umask(mask)
    write(tmp_path / "m")
    assert oct(mode(tmp_path / "m")) == oct(0o666 & ~mask)


@pytest.mark.parametrize("bits", [0o664, 0o600, 0o444, 0o755, 0o640, 0o2660])
def test_an_old_file_keeps_its_mode(kind, write, tmp_path, umask, bits):
    (tmp_path / "m").write_bytes(b"old")
    os.chmod(tmp_path / "m", bits)
    write(tmp_path / "m")
    assert oct(mode(tmp_path / "m")) == oct(bits)
    assert is_whole(kind, tmp_path / "m") or ROOT or not bits & 0o400


def test_the_mode_is_not_asked_of_the_process(tmp_path, monkeypatch):
    """It has one umask for all threads: who sets it to look at it disturbs the others."""
    monkeypatch.setattr(os, "umask", None)
    write_model(tmp_path / "m")


def test_nobody_else_can_open_the_unfinished_file_of_a_private_one(tmp_path, umask):
    umask(0)
    (tmp_path / "m").touch()
    os.chmod(tmp_path / "m", 0o600)
    with output_file.output_file(tmp_path / "m"):
        assert {mode(tmp_path / name) for name in os.listdir(tmp_path)} == {0o600}


@pytest.mark.skipif(not ROOT, reason="only root gives files away")
def test_owner_and_group_are_kept(tmp_path):
    path = tmp_path / "m"
    path.touch()
    os.chown(path, 1234, 2345)
    os.chmod(path, 0o6750)
    put(path)
    assert (path.stat().st_uid, path.stat().st_gid, mode(path)) == (1234, 2345, 0o6750)


@pytest.mark.parametrize(("bits", "kept"), [(0o640, 0o600), (0o664, 0o644), (0o6775, 0o755)])
def test_another_group_is_allowed_what_all_are(tmp_path, monkeypatch, bits, kept):
    """Where the group cannot be kept its rights are not those of ours."""

    def refuse(*args):
        raise PermissionError(errno.EPERM, "not yours")

    path = tmp_path / "m"
    path.touch()
    os.chmod(path, bits)
    monkeypatch.setattr(os, "fchown", refuse)
    put(path)
    assert oct(mode(path)) == oct(kept)


def test_a_list_of_who_else_may_read_it_is_kept(tmp_path):
    """An ACL, for which the group's bits of the mode stand otherwise."""
    path = tmp_path / "m"
    acl = struct.pack("<I" + 5 * "HHi", 2, 1, 6, -1, 2, 4, 1234, 4, 0, -1, 16, 4, -1, 32, 0, -1)
    path.touch()
    try:
        os.setxattr(path, output_file.ACL, acl)
    except (AttributeError, OSError):
        pytest.skip("this file system has no such lists")
    before = mode(path)
    put(path)
    assert (os.getxattr(path, output_file.ACL), mode(path)) == (acl, before)
    os.setxattr(tmp_path, "system.posix_acl_default", acl)
    os.removexattr(path, output_file.ACL)
    put(path)
    with pytest.raises(OSError, match="No data"):
        os.getxattr(path, output_file.ACL)


# What is no regular file


def read_of(descriptor):
    content = b""
    while part := os.read(descriptor, 1 << 16):
        content += part
    return content


def test_a_pipe_stays_one_and_gets_the_content(kind, write, tmp_path):
    write(tmp_path / "m")
    os.mkfifo(tmp_path / "pipe")
    os.symlink("pipe", tmp_path / "link")
    got = []
    for name in ("pipe", "link"):
        reader = threading.Thread(target=lambda: got.append((tmp_path / "pipe").read_bytes()))
        if "checkpoint" in kind:  # several files, one after the other
            descriptor = os.open(tmp_path / "pipe", os.O_RDWR)
            write(tmp_path / name)
            os.close(descriptor)
            continue
        reader.start()
        write(tmp_path / name)
        reader.join()
        assert got.pop() == (tmp_path / "m").read_bytes()
    assert stat.S_ISFIFO(os.stat(tmp_path / "pipe").st_mode)
    assert sorted(os.listdir(tmp_path)) == ["link", "m", "pipe"]


def test_a_device_stays_one(kind, write, tmp_path, device):
    null = device(3)
    os.symlink(null, tmp_path / "link")
    for path in (null, tmp_path / "link"):
        write(path)
    assert stat.S_ISCHR(os.stat(null).st_mode)
    assert os.listdir(null.parent) == [null.name]
    assert os.listdir(tmp_path) == ["link"]


@pytest.mark.parametrize("way", ["/proc/self/fd/{}", "/dev/fd/{}", "/proc/thread-self/fd/{}",
                                 "/proc/{pid}/fd/{}", "link"])
@pytest.mark.parametrize("what", ["pipe", "file", "deleted"])
def test_an_open_file_is_written_to_where_it_stands(tmp_path, way, what):
    """Who holds it open sees the content; what was in it, and what follows, is not lost."""
    if what == "pipe":
        ours, theirs = os.pipe()
    else:
        ours = theirs = os.open(tmp_path / "out", os.O_RDWR | os.O_CREAT)
        if what == "deleted":
            os.unlink(tmp_path / "out")
    os.write(theirs, b"before ")
    path = way.format(theirs, pid=os.getpid())
    if way == "link":
        os.symlink(f"/dev/fd/{theirs}", tmp_path / "link")
        path = tmp_path / "link"
    check_output(path)
    assert not is_replaced(path)
    put(path)
    os.write(theirs, b" after")
    if what == "pipe":
        os.close(theirs)
    else:
        os.lseek(ours, 0, os.SEEK_SET)
    assert read_of(ours) == b"before new after"
    os.close(ours)
    assert set(os.listdir(tmp_path)) <= {"out", "link"}


def test_an_open_file_of_another_process(tmp_path):
    with open(tmp_path / "out", "wb") as file, subprocess.Popen(
            ["cat"], stdin=subprocess.PIPE, stdout=file) as process:
        os.unlink(tmp_path / "out")
        path = f"/proc/{process.pid}/fd/1"
        if os.path.exists(path):
            check_output(path)
            put(path)
            with open(path, "rb") as again:
                assert again.read() == b"new"
        process.stdin.close()
    assert os.listdir(tmp_path) == []


def test_open_files_that_cannot_be_written_to(tmp_path):
    (tmp_path / "m").write_bytes(b"old")
    with open(tmp_path / "m", "rb") as file:
        for check in (check_output, put):
            with pytest.raises(OSError, match=r"Bad file|not open for writing") as found:
                check(f"/dev/fd/{file.fileno()}")
            assert found.value.filename == f"/dev/fd/{file.fileno()}"
    with pytest.raises(OSError, match="Bad file") as found:
        check_output("/proc/self/fd/987654")
    assert found.value.filename == "/proc/self/fd/987654"
    assert (tmp_path / "m").read_bytes() == b"old"


def test_links_stay(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "file").write_bytes(b"old")
    os.symlink("far/file", tmp_path / "one")
    os.symlink(tmp_path / "one", tmp_path / "two")
    os.symlink("far/none", tmp_path / "dangling")
    os.symlink("far", tmp_path / "folder")
    for name, real in (("two", "file"), ("dangling", "none"), ("folder/new", "new")):
        put(tmp_path / name)
        assert (tmp_path / "far" / real).read_bytes() == b"new"
    assert os.readlink(tmp_path / "one") == "far/file"
    assert os.readlink(tmp_path / "dangling") == "far/none"
    assert sorted(os.listdir(tmp_path / "far")) == ["file", "new", "none"]
    os.symlink("loop", tmp_path / "loop")
    with pytest.raises(OSError, match="symbolic links"):
        put(tmp_path / "loop")


@pytest.mark.parametrize("name", ["x" * 255, "é" * 127, b"\xff" * 255, "a b\n.tmp", ".m"],
                         ids=["255", "accents", "bytes", "odd", "hidden"])
def test_any_name_that_the_system_takes(kind, write, tmp_path, name):
    path = os.path.join(os.fsencode(tmp_path), os.fsencode(name))
    for _ in range(2):
        write(path)
        assert is_whole(kind, path)
    assert os.listdir(os.fsencode(tmp_path)) == [os.fsencode(name)]


def test_relative_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("m", "./n", b"o"):
        check_output(name)
        put(name)
    assert sorted(os.listdir()) == ["m", "n", "o"]


@pytest.mark.parametrize("old", [b"", b"old" * 9])
def test_a_file_that_is_a_mount_gets_the_content(tmp_path, monkeypatch, old):
    """Containers mount single files; the system refuses to put another one there."""

    def busy(*args):
        raise OSError(errno.EBUSY, "busy", *args)

    path = tmp_path / "m"
    path.write_bytes(old)
    before = path.stat()
    monkeypatch.setattr(os, "replace", busy)
    put(path, b"newer")
    assert path.read_bytes() == b"newer"
    assert path.stat().st_ino == before.st_ino
    assert os.listdir(tmp_path) == ["m"]


# What is refused


@pytest.mark.parametrize("check", [check_output, put, write_model, write_cache],
                         ids=lambda check: check.__name__)
@pytest.mark.parametrize(("name", "error", "text"), [
    ("folder", IsADirectoryError, "is a folder"), ("folder/", IsADirectoryError, "is a folder"),
    ("new/", FileNotFoundError, "no such folder"), ("no/m", FileNotFoundError, "no such folder"),
    ("dangling/m", FileNotFoundError, "no such folder"), ("", FileNotFoundError, "no such"),
    ("file/m", NotADirectoryError, "Not a dir"), ("x" * 256, OSError, "too long"),
    ("socket", PermissionError, "is a socket"), ("to_folder", IsADirectoryError, "is a folder"),
])
def test_where_no_file_can_be(tmp_path, monkeypatch, check, name, error, text):
    monkeypatch.chdir(tmp_path)
    os.mkdir("folder")
    open("file", "w").close()
    os.symlink("none", "dangling")
    os.symlink("folder", "to_folder")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket")
        before = sorted(os.listdir())
        with pytest.raises(error, match=text):
            check(name)
    assert sorted(os.listdir()) == before
    assert os.listdir("folder") == []


@pytest.mark.skipif(not ROOT, reason="only root makes devices")
def test_a_disk_is_no_file_to_write_to(tmp_path):
    try:
        os.mknod(tmp_path / "disk", 0o600 | stat.S_IFBLK, os.makedev(240, 77))
    except OSError:
        pytest.skip("no devices here")
    for check in (check_output, put):
        with pytest.raises(PermissionError, match="is a block device; give the name of a file"):
            check(tmp_path / "disk")


def test_folders_where_nothing_can_be_written(tmp_path, monkeypatch):
    (tmp_path / "m").touch()
    allowed, access = [], os.access
    monkeypatch.setattr(os, "access", lambda *args, **_: bool(allowed) and access(*args))
    with pytest.raises(PermissionError, match="no permission to write in this folder"):
        check_output(tmp_path / "m")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(PermissionError, match="no permission to write to it"):
        check_output(tmp_path / "pipe")
    allowed.append(1)
    os.chmod(tmp_path, 0o1777)
    check_output(tmp_path / "m")
    monkeypatch.setattr(os, "geteuid", lambda: 4321)
    check_output(tmp_path / "new")
    with pytest.raises(PermissionError, match="another user's"):
        check_output(tmp_path / "m")


def test_training_does_not_begin_where_its_checkpoint_cannot_be(tmp_path):
    class Untrained:
        max_iter, max_time = 3, None

    for path in (tmp_path, tmp_path / "no" / "m"):
        with pytest.raises(OSError, match="folder"):
            train_in_legs(Untrained(), X, Y, path, every=1)


def test_one_of_the_files_that_are_used(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("data", "other"):
        open(name, "w").close()
    os.link("data", "hard")
    os.symlink("data", "soft")
    os.mkdir("sub")
    os.mkfifo("pipe")
    used = ["other", "data", os.devnull, "pipe", "absent"]
    same = ["data", "hard", "soft", "./data", "sub/../data", tmp_path / "data", b"data", "absent",
            "sub/../absent"]
    with open("data") as file:
        for path in (*same, f"/dev/fd/{file.fileno()}"):
            with pytest.raises(ValueError, match=r"also uses .*(data|absent), which is the same"):
                check_output(path, used)
    for path in ("new", os.devnull, "pipe", "sub/data"):
        check_output(path, used)


def test_removing_an_output(tmp_path):
    (tmp_path / "m").touch()
    os.symlink("m", tmp_path / "link")
    os.mkfifo(tmp_path / "pipe")
    for _ in range(2):
        remove_output(tmp_path / "link")
    remove_output(tmp_path / "pipe")
    assert sorted(os.listdir(tmp_path)) == ["link", "pipe"]
