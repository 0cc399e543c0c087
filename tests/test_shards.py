"""Who reads what: files by rank, and ranges of bytes that end at line ends."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastsgd import load_svmlight
from fastsgd.cli.joined import read_pieces
from fastsgd.cli.workers import Alone
from fastsgd.data import shards
from fastsgd.data.shards import Lines, Piece, byte_range, pieces_of


@given(lines=st.lists(st.binary(max_size=9).map(lambda b: b.replace(b"\n", b"")), max_size=12),
       end=st.sampled_from([b"\n", b"\r\n"]), final=st.booleans(), size=st.integers(1, 9),
       look=st.sampled_from([1, 3, 1 << 16]))
def test_ranges_are_the_file_and_whole_lines(lines, end, final, size, look):
    """Every line once, in order, with few lines, no final line end, CRLF, or nothing at all."""
    text = end.join(lines) + (end if final and lines else b"")
    before, shards.LOOK = shards.LOOK, look
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "file")
            path.write_bytes(text)
            ranges = [byte_range(path, rank, size) for rank in range(size)]
            parts = []
            for begin, stop in ranges:
                with Lines(path, begin, stop) as part:
                    parts.append(part.read(2) + part.read())
    finally:
        shards.LOOK = before
    assert b"".join(parts) == text
    assert [begin for begin, _ in ranges] == [0, *(stop for _, stop in ranges[:-1])]
    starts = [at for at in range(len(text)) if at == 0 or text[at - 1:at] == b"\n"]
    for (begin, stop), rank in zip(ranges, range(size), strict=True):
        cuts = len(text) * rank // size, len(text) * (rank + 1) // size
        mine = [at for at in starts if cuts[0] <= at < cuts[1]]
        assert [at for at in starts if begin <= at < stop] == mine
        assert stop in (begin, len(text)) or text[stop - 1:stop] == b"\n"


def test_a_long_line_is_of_one_rank(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"1 " + b"0" * 200_000 + b"\n2\n3\n")
    assert [byte_range(path, rank, 3) for rank in range(3)] == [
        (0, 200_003), (200_003, 200_003), (200_003, 200_007)]
    with pytest.raises(ValueError, match="rank must be 0 to 2"):
        byte_range(path, 3, 3)


class Told(Alone):
    """As a process of a job whose others give these numbers."""

    def __init__(self, rank, size):
        self.rank, self.size = rank, size


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_the_rows_of_all_ranks_are_the_file(tmp_path, size):
    path = tmp_path / "file"
    path.write_text("".join(f"{k % 3} 1:{k} 9:1\n" for k in range(40)))
    X, y = load_svmlight(str(path))
    read = [read_pieces(pieces_of([str(path)], rank, size), Told(rank, size))
            for rank in range(size)]
    assert np.array_equal(np.concatenate([y for _, y, _ in read]), y)
    assert np.array_equal(np.concatenate([X.toarray() for X, _, _ in read]), X.toarray())


def test_files_go_round(tmp_path):
    names = [f"{k}.svm" for k in range(5)]
    assert [piece.path for piece in pieces_of(names, 1, 2)] == ["1.svm", "3.svm"]
    for name in names:
        (tmp_path / name).write_text("1 1:1\n-1 2:1\n")
    paths = [str(tmp_path / name) for name in names]
    assert pieces_of(paths, 4, 5) == [Piece(paths[4])]
    assert pieces_of(paths[:2], 1, 3) == [Piece(path, (1, 3)) for path in paths[:2]]


def test_what_cannot_be_split_is_refused(tmp_path):
    path = tmp_path / "file.gz"
    path.write_bytes(b"\x1f\x8b\x08 and more")
    with pytest.raises(ValueError, match=r"is compressed, so 2 processes cannot share it"):
        pieces_of([str(path)], 0, 2)
    with pytest.raises(ValueError, match="no regular file"):
        pieces_of(["-"], 0, 2)
    short = tmp_path / "short"
    short.write_text("1 1:1\n")
    with pytest.raises(ValueError, match="process 2 of 3 has no rows to read"):
        read_pieces([Piece(str(short), (2, 3))], Told(2, 3))


def test_an_error_names_file_and_place(tmp_path):
    path = tmp_path / "file"
    path.write_text("1 1:1\n" * 10 + "1 1:x\n")
    with pytest.raises(ValueError, match=r"file from byte 36 on, line 5, column 5"):
        read_pieces([Piece(str(path), (1, 2))], Told(1, 2))


def test_empty_files_are_nobodys_share(tmp_path):
    names = []
    for name, text in (("a", ""), ("b", "1 1:2\n"), ("c", "2 1:3\n"), ("d", "")):
        (tmp_path / name).write_text(text)
        names.append(str(tmp_path / name))
    assert [[piece.path for piece in pieces_of(names, rank, 2)] for rank in range(2)] == [
        [names[1]], [names[2]]]
    assert pieces_of(names[:2], 1, 2) == [Piece(names[1], (1, 2))]
    assert pieces_of(names[:1], 0, 2) == [Piece(names[0], (0, 2))]  # told by who reads it
