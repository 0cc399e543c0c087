"""Output files on full disks, in kills, in two runs at once; reading what is no regular file."""

# ruff: noqa: F811 (fixtures that are imported)

import contextlib
import errno
import json
import os
import signal
import stat
import threading

import numpy as np
import pytest
from output_writers import (  # noqa: F401
    device,
    full_disk,
    is_whole,
    kind,
    put,
    write,
    write_cache,
    write_model,
)

import save_kills
from fastsgd import load_model, output_file
from fastsgd.data.cache import open_cache
from fastsgd.errors import DataFileError, ModelFileError


def test_a_full_disk_is_an_os_error_with_the_path(kind, write, tmp_path):
    path = tmp_path / "m"
    path.write_bytes(b"old")
    for name in ("m", "new"):
        with full_disk(), pytest.raises(OSError, match="File too large") as found:
            write(tmp_path / name)
        assert type(found.value) is OSError
        assert found.value.filename == str(tmp_path / name)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["m"]


def test_a_full_device(kind, write, device):
    full = device(7)
    with pytest.raises(OSError, match="No space left") as found:
        write(full)
    assert found.value.filename == str(full)
    assert stat.S_ISCHR(os.stat(full).st_mode)


@pytest.mark.parametrize("name", ["fsync", "replace", "open"])
def test_errors_of_the_system_tell_the_path_and_leave_nothing(tmp_path, monkeypatch, name):
    path = tmp_path / "m"
    path.write_bytes(b"old")

    def fail(*args, **more):
        raise OSError(errno.EIO, "broken", *[a for a in args[:1] if isinstance(a, str)])

    monkeypatch.setattr(os, name, fail)
    with pytest.raises(OSError, match="broken") as found:
        put(path)
    monkeypatch.undo()
    assert found.value.filename == str(path)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["m"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError("x"), TimeoutError("x")], ids=str)
def test_other_errors_pass_as_they_are(tmp_path, error):
    def write():
        with full_disk(2), output_file.output_file(tmp_path / "m") as file:
            file.write(b"begun")
            raise error

    with pytest.raises(error if isinstance(error, type) else type(error)) as found:
        write()
    assert getattr(found.value, "filename", None) is None
    assert os.listdir(tmp_path) == []


def test_a_folder_that_cannot_be_flushed(tmp_path, monkeypatch):
    """Some file systems refuse it, some folders cannot be read; the file is there."""
    fsync, number = os.fsync, errno.EINVAL

    def of_files(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, "no")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", of_files)
    put(tmp_path / "m")
    number = errno.EIO
    with pytest.raises(OSError, match="no"):
        put(tmp_path / "m")


@pytest.fixture
def begun():
    """Begins a process that has written a part of a file, and returns what kills it."""
    children = set()

    def begin(path):
        ours, theirs = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                with output_file.output_file(path) as file:
                    file.write(b"part" * 10_000)
                    os.write(theirs, b".")
                    signal.pause()
            finally:
                os._exit(1)
        os.close(theirs)
        assert os.read(ours, 1) == b"."
        os.close(ours)

        def kill():
            children.remove(kill)
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)

        children.add(kill)
        return kill

    yield begin
    for kill in list(children):
        kill()


def test_the_next_save_removes_what_killed_runs_left(kind, write, tmp_path, begun):
    """And nothing of a run that lives, nor of somebody else."""
    (tmp_path / ".m.1234.tmp").touch()
    os.symlink("m", tmp_path / ".fastsgd-0123456789abcdef.tmp")
    os.mkfifo(tmp_path / ".fastsgd-1123456789abcdef.tmp")
    strange = set(os.listdir(tmp_path))
    (tmp_path / "m").write_bytes(b"old")
    kills = [begun(tmp_path / name) for name in ("m", "n", "m")]
    unfinished = set(os.listdir(tmp_path)) - strange - {"m"}
    assert len(unfinished) == 3
    write(tmp_path / "m")
    assert set(os.listdir(tmp_path)) - strange - {"m"} == unfinished
    kills.pop()()
    kills.pop()()
    assert set(os.listdir(tmp_path)) - strange - {"m"} == unfinished
    write(tmp_path / "m")
    assert len(set(os.listdir(tmp_path)) - strange - {"m"}) == 1
    kills.pop()()
    write(tmp_path / "other")
    assert set(os.listdir(tmp_path)) - strange == {"m", "other"}
    assert strange <= set(os.listdir(tmp_path))
    assert is_whole(kind, tmp_path / "m")


def test_kills_at_random_moments(tmp_path):
    """As the benchmark counts them, some of each kind."""
    path = tmp_path / "found.json"
    report = save_kills.main(["--kills", "8", "--rows", "3000", "--json", str(path)])
    assert json.loads(path.read_text()) == report
    assert set(report["files"]) == {"model", "cache", "predictions"}
    for found in report["files"].values():
        assert found["kills"] == found["whole"] == found["whole_after_next_save"] == 8
        assert found["unfinished_after_kills"] <= 8
        assert found["unfinished_after_next_save"] == 0


def test_where_there_are_no_locks_nothing_is_removed(tmp_path, monkeypatch, begun):
    begun(tmp_path / "m")()

    def unsupported(*args):
        raise OSError(errno.ENOLCK, "no locks")

    with monkeypatch.context() as patch:
        patch.setattr(output_file.fcntl, "flock", unsupported)
        put(tmp_path / "m")
    assert len(os.listdir(tmp_path)) == 2
    put(tmp_path / "m")
    assert os.listdir(tmp_path) == ["m"]


def test_a_file_that_is_taken_for_abandoned_before_it_has_its_lock(tmp_path, monkeypatch):
    """Its writer begins anew."""
    lock, taken = output_file._lock, []

    def other_is_quicker(descriptor):
        if not taken:
            taken.extend(name for name in os.listdir(tmp_path) if name != "m")
            monkeypatch.setattr(output_file, "_lock", lock)
            output_file._remove_abandoned(tmp_path)
        return lock(descriptor)

    monkeypatch.setattr(output_file, "_lock", other_is_quicker)
    put(tmp_path / "m")
    assert len(taken) == 1
    assert os.listdir(tmp_path) == ["m"]
    assert (tmp_path / "m").read_bytes() == b"new"


def test_writers_at_the_same_time_do_no_harm(tmp_path):
    path, texts, seen, errors = tmp_path / "m", [bytes([k]) * 200_000 for k in range(4)], [], []
    put(path, texts[0])

    def write(text):
        try:
            for _ in range(25):
                put(path, text)
                seen.append(path.read_bytes())
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert len(seen) == 100
    assert set(seen) <= set(texts)
    assert os.listdir(tmp_path) == ["m"]


# Reading what is no regular file


def through_a_pipe(path, content, read):
    os.mkfifo(path)

    def write():
        with contextlib.suppress(BrokenPipeError), open(path, "wb") as file:
            file.write(content)

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    try:
        return read(path)
    finally:
        writer.join(60)


def test_a_model_is_read_from_a_pipe(tmp_path):
    write_model(tmp_path / "m")
    content = (tmp_path / "m").read_bytes()
    again = through_a_pipe(tmp_path / "pipe", content, load_model)
    np.testing.assert_array_equal(again.coef_, load_model(tmp_path / "m").coef_)
    for k, damaged in enumerate((content[:-9], content[:4], b"", b"1 1:1\n" * 9)):
        with pytest.raises(ModelFileError, match=f"^{tmp_path / f'pipe{k}'}: is "):
            through_a_pipe(tmp_path / f"pipe{k}", damaged, load_model)
    with pytest.raises(ModelFileError, match="/dev/zero: is not a fastsgd model"):
        load_model("/dev/zero")  # which has no end
    with pytest.raises(ModelFileError, match="/dev/null: is empty"):
        load_model(os.fsencode("/dev/null"))


def test_a_cache_is_not_read_from_a_pipe(tmp_path):
    """It says so at once, whether or not anybody writes to it."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataFileError, match=r"pipe: is a named pipe.*needs a regular file"):
        open_cache(os.fsencode(tmp_path / "pipe"))
