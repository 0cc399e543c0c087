"""Damaged and oversized .npz files: one class of error, and memory as for what is there."""

import io
import tracemalloc
import zipfile

import numpy as np
import pytest
import scipy.sparse as sp
from test_cache_errors import crafted
from test_cli import run

import npz_mutations
from fastsgd.data.cache import open_cache, save_cache
from fastsgd.data.npz import load_npz
from fastsgd.errors import DataFileError

Y = np.arange(4) % 2


@pytest.mark.parametrize("seed", range(0, 1200, 150))
def test_damage_ends_in_an_error_that_names_the_file_or_in_rows_to_fit(tmp_path, seed):
    found = npz_mutations.run(seed, 150, str(tmp_path / "damaged.npz"))
    assert sum(found.values()) == 150
    assert found.keys() >= {"DataFileError", "loaded and fitted"}


def test_well_formed_archives_load(tmp_path):
    for name, content in npz_mutations.archives():
        if name.startswith("scipy ") and name != "scipy csr":
            with pytest.raises(DataFileError, match=f"format {name[6:]}; it must be csr"):
                npz_mutations.load_npz(save(tmp_path, content))
        else:
            expected = "loaded, without y" if name == "scipy csr" else "loaded and fitted"
            assert npz_mutations.outcome(str(tmp_path / "x.npz"), content) == expected


def save(folder, content):
    (folder / "x.npz").write_bytes(content)
    return folder / "x.npz"


def npy(header, body=bytes(64), version=b"\x01\x00"):
    """An array's file with any text as its header."""
    width = 2 if version[0] == 1 else 4
    return b"\x93NUMPY" + version + len(header).to_bytes(width, "little") + header + body


def told(descr, shape, order=False):
    return f"{{'descr': {descr!r}, 'fortran_order': {order}, 'shape': {shape}, }}\n".encode()


def archive(folder, method=zipfile.ZIP_STORED, **members):
    with zipfile.ZipFile(folder / "x.npz", "w", method) as file:
        for name, content in members.items():
            file.writestr(f"{name}.npy", content)
    return folder / "x.npz"


@pytest.mark.parametrize("header", [
    b"{'descr': '<f8', 'fortran_order': False, 'shape': (4, 2), ", b"  x\n y\n  z", b"'''",
    b"\xff", b"(" * 5000 + b")" * 5000, b"(" * 900, b"{'descr': '<f8'}\n", b"1\n", b"{}\n", b"",
    b"-" * 3000 + b"1", told("<f8", "(2**70,)"), told("<f8", "(1e400,)"), told("<q9", "(4, 2)"),
    told("<f8", (18446744073709551616,)), told("<f8", (-4, -2)), told("<f8", "4"),
    told("<f8", (4, -2)), told("<f8", (9, 2)), told("<f8", (3, 2)), told("<f8", (2**62, 8)),
    told("<f8", (0, 2**70)), told("<f8", (0, 2**62, 2**62)), told("<U0", (2**60,)),
    told("|V0", (4,)),
    told("<U100000000", (4, 2)), told("<f8", (8,) * 70), told("<f8", (4, 2), "'no'"),
    told([("a", "<f8")], (4, 2)), told("<M8[s]", (4, 2)), told("|O", (4, 2)), told("<c16", (4, 1)),
    told("(2,)<f8", (4,)), told("<f8", (True, 8)), told("<f2000000000", (1,)),
])
def test_headers_that_are_none(tmp_path, header, recwarn):
    for version in (b"\x01\x00", b"\x02\x00", b"\x03\x00", b"\x09\x00"):
        path = archive(tmp_path, X=npy(header, version=version))
        with pytest.raises(DataFileError, match=r"x\.npz: "):
            load_npz(path)
    assert not recwarn


@pytest.mark.parametrize(("at", "value"), [
    (42, b"\xff\xff\xff\x7f"), (42, b"\xff\xff\xff\xff"), (10, b"\x63\0"), (10, b"\x0c\0"),
    (10, b"\x0e\0"), (8, b"\x01\0"), (20, b"\xff\xff\xff\x7f"), (24, b"\xff\xff\xff\x7f"),
    (16, b"\0\0\0\0"), (28, b"\xff\xff"), (30, b"\xff\xff"), (24, b"\0\0\0\0"), (6, b"\xff\0")])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2,
                                    zipfile.ZIP_LZMA])
def test_directories_that_lie(tmp_path, at, value, method):
    file = io.BytesIO()
    np.save(file, np.ones((4, 2)))
    path = archive(tmp_path, method, X=file.getvalue())
    assert load_npz(path).X.tolist() == [[1, 1]] * 4
    content = bytearray(path.read_bytes())
    begin = content.rindex(b"PK\x01\x02") + at
    if content[begin:begin + len(value)] == value:
        return
    content[begin:begin + len(value)] = value
    path.write_bytes(content)
    if at in (20, 28, 30):  # sizes that nobody needs: the rows, or an error
        try:
            assert load_npz(path).X.tolist() == [[1, 1]] * 4
        except DataFileError as error:
            assert "x.npz: " in str(error)  # noqa: PT017
        return
    with pytest.raises(DataFileError, match=r"x\.npz: "):
        load_npz(path)


def peak(call):
    tracemalloc.start()
    try:
        call()
    finally:
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return found


def test_an_array_takes_what_is_there_and_not_what_is_told(tmp_path):
    """Of 64 MB that header and directory tell of, a deflated member has 1 MB."""
    head = npy(told("<f8", (2**23, 1)), b"")
    path = archive(tmp_path, zipfile.ZIP_DEFLATED, X=head + bytes(2**20))
    content, size = bytearray(path.read_bytes()), len(head) + 2**26
    for mark, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        begin = content.rindex(mark) + at
        content[begin:begin + 4] = size.to_bytes(4, "little")
    path.write_bytes(content)

    def call():
        with pytest.raises(DataFileError, match="'X' cannot be read"):
            load_npz(path)

    assert peak(call) < 3 * 2**23  # the first room of 16 MB, which is not touched


def test_a_header_is_not_read_at_any_length(tmp_path):
    path = archive(tmp_path, zipfile.ZIP_DEFLATED,
                   X=npy(b" " * 2**25, version=b"\x02\x00"))

    def call():
        with pytest.raises(DataFileError, match="header is said to have 33554432 bytes"):
            load_npz(path)

    assert peak(call) < 2**21


@pytest.mark.parametrize("order", ["<", ">"])
def test_padded_labels_take_what_their_text_takes(tmp_path, order):
    """8 MB each, of which all but some letters are zeros."""
    n, texts = 2_000_000, ["yes", "", "no\0no", "ü" * 3000]
    body = b"".join(text.encode("utf-32-" + ("le" if order == "<" else "be")).ljust(4 * n, b"\0")
                    for text in texts)
    x = io.BytesIO()
    np.save(x, np.eye(4))
    path = archive(tmp_path, zipfile.ZIP_DEFLATED, X=x.getvalue(),
                   y=npy(told(f"{order}U{n}", (4,)), body))
    del body
    assert peak(lambda: load_npz(path)) < 2**21
    assert load_npz(path).y.tolist() == texts
    assert load_npz(path).y.dtype == "<U3000"


def test_arrays_of_zeros_are_kept_however_small_their_file_is(tmp_path):
    np.savez_compressed(tmp_path / "x.npz", X=np.zeros((3000, 1000)))
    assert (tmp_path / "x.npz").stat().st_size < 2**16
    found = []
    assert peak(lambda: found.append(load_npz(tmp_path / "x.npz").X)) < 2 * 24_000_000 + 2**22
    assert found[0].shape == (3000, 1000)
    assert not found[0].any()


def test_what_has_no_room_tells_how_much_it_takes(tmp_path, monkeypatch):
    def no_room(file, size, dtype):
        raise MemoryError

    np.savez(tmp_path / "x.npz", X=np.ones((5, 4)))
    monkeypatch.setattr("fastsgd.data.npy._values", no_room)
    with pytest.raises(MemoryError, match=r"x\.npz: for the array 'X', .*\(5, 4\): 160 bytes"):
        load_npz(tmp_path / "x.npz")
    assert "error: not enough memory" in run("train", tmp_path / "x.npz", code=1)[1]


def test_big_endian_and_read_only_arrays_are_the_machines_own(tmp_path):
    X = sp.csr_matrix(np.eye(4))
    np.savez(tmp_path / "x.npz", data=X.data, indices=X.indices.astype(">i8"),
             indptr=X.indptr.astype(">i4"), shape=np.array(X.shape, ">u8"), y=Y.astype(">i2"))
    found = load_npz(tmp_path / "x.npz")
    assert found.y.dtype.isnative
    assert found.y.flags.writeable
    np.testing.assert_array_equal(found.X.toarray(), np.eye(4))


def test_shapes_beyond_all_indices(tmp_path):
    X = sp.csr_matrix(np.eye(4))
    for columns in (2**63, 2**64 - 1):
        np.savez(tmp_path / "x.npz", data=X.data, indices=X.indices, indptr=X.indptr,
                 shape=np.array([4, columns], np.uint64))
        with pytest.raises(DataFileError, match="shape must be the numbers of rows"):
            load_npz(tmp_path / "x.npz")


def test_the_command_says_a_line(tmp_path):
    for content in (npy(b"'''"), npy(b"  x\n y\n  z"), npy(told("<f8", (2**64,)))):
        _, said = run("train", archive(tmp_path, X=content), code=1)
        assert said.startswith(f"fastsgd: error: {tmp_path}/x.npz: the array 'X' cannot be read: ")
        assert said.count("\n") == 1


def test_a_cache_whose_targets_have_no_size(tmp_path):
    """y of shape (0, 2**70) takes no byte and more room than there is."""
    save_cache(tmp_path / "good", np.eye(3), np.arange(3))

    def change(header, told, body):
        begin = header["y"]["data_offsets"][0]
        header["y"] |= {"shape": [0, 2**70], "data_offsets": [begin, begin]}
        del body[begin:]

    path = crafted(tmp_path / "c", tmp_path / "good", change)
    with pytest.raises(DataFileError, match=r"c: is damaged: y has shape .0, "):
        open_cache(path)


def test_checksums_are_compared(tmp_path):
    np.savez(tmp_path / "x.npz", X=np.ones((3, 3)))
    content = bytearray((tmp_path / "x.npz").read_bytes())
    at = content.index(np.float64(1).tobytes())
    content[at] ^= 1
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(DataFileError, match="CRC"):
        load_npz(tmp_path / "x.npz")
