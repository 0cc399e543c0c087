"""`load_svmlight` against scikit-learn's loader, and every error with its place."""

import bz2
import doctest
import gzip
import io
import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from realdata import real
from sklearn.datasets import load_svmlight_file

import fastsgd.data.svmlight as module
from fastsgd import load_svmlight


def assert_same(ours, theirs):
    assert len(ours) == len(theirs)
    X, expected = ours[0], theirs[0]
    assert type(X) is type(expected)
    assert X.shape == expected.shape
    assert X.data.dtype == expected.data.dtype
    assert X.data.tobytes() == expected.data.tobytes()
    np.testing.assert_array_equal(X.indices, expected.indices)
    np.testing.assert_array_equal(X.indptr, expected.indptr)
    assert X.indices.dtype == X.indptr.dtype == np.int32
    if isinstance(theirs[1], list):
        assert ours[1] == theirs[1]
        assert all(type(label) is float for row in ours[1] for label in row)
    else:
        assert ours[1].dtype == np.float64
        assert ours[1].tobytes() == theirs[1].tobytes()
    for qid, expected in zip(ours[2:], theirs[2:], strict=True):
        assert qid.dtype == np.int64
        np.testing.assert_array_equal(qid, expected)


def load(text, **options):
    return load_svmlight(io.BytesIO(text), **options)


numbers = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.floats(-1e30, 1e30).map("{:.6g}".format),
    st.integers(-5, 99).map(str),
    st.sampled_from(["+.5", "3.", "-0", "1e-7", "2E+3", "0.000000000000000000001234567"]),
)


@st.composite
def files(draw, multilabel, query_id):
    blank = st.sampled_from([" ", "  ", "\t", " \t "])
    lines = []
    for _ in range(draw(st.integers(1, 6))):
        if draw(st.integers(0, 5)) == 0:
            lines.append(draw(st.sampled_from(["", "  ", "# a comment", "\t#"])))
        columns = draw(st.lists(st.integers(0, 60) | st.integers(0, 2**31 - 2), unique=True))
        entries = [f"{j}:{draw(numbers)}" for j in sorted(columns)]
        label = draw(numbers)
        if multilabel:
            size = draw(st.integers(0 if entries else 1, 3))
            label = ",".join(draw(numbers) for _ in range(size))
        qid = [f"qid:{draw(st.integers(-(2**63), 2**63 - 1))}"] if query_id else []
        words = [word for word in [label, *qid, *entries] if word]
        line = draw(blank).join(words)
        lines.append(line + draw(st.sampled_from(["", "", " ", "# c", " # 1:2"])))
    if all(not line.split("#")[0].strip() for line in lines):
        lines.append("1 1:1")
    end = draw(st.sampled_from(["\n", "\r\n", "\n\n"]))
    return (end.join(lines) + draw(st.sampled_from(["", end]))).encode()


@settings(deadline=None, max_examples=60)
@given(data=st.data())
@pytest.mark.parametrize("multilabel", [False, True])
@pytest.mark.parametrize("query_id", [False, True])
def test_random_files_equal_sklearn(data, multilabel, query_id):
    text = data.draw(files(multilabel, query_id))
    options = {
        "multilabel": multilabel,
        "query_id": data.draw(st.booleans()) and query_id,
        "zero_based": data.draw(st.sampled_from([True, "auto"])),
        "n_features": data.draw(st.sampled_from([None, 2**31 - 1])),
        "dtype": data.draw(st.sampled_from([np.float32, np.float64])),
    }
    ours = load(text, allow_nonfinite=True, **options)  # float32 may overflow
    assert_same(ours, load_svmlight_file(io.BytesIO(text), **options))


seed_lines = st.binary(max_size=40) | st.sampled_from(
    [b"1 1:2 3:4\n", b"-1 qid:3 2:0.5 # c\n", b"1,2 0:1e-3 7:8\r\n", b"\n", b"nan 1:inf\n"]
)


@settings(deadline=None, max_examples=200)
@given(st.lists(seed_lines, max_size=4), st.data())
def test_damaged_files_are_refused_or_equal_sklearn(lines, data):
    text = bytearray(b"".join(lines))
    for _ in range(data.draw(st.integers(0, 3)) if text else 0):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at] = data.draw(st.sampled_from(b" \t\r\n\x00:,#-.0159eEqinf\xff"))
    options = {name: data.draw(st.booleans()) for name in ("zero_based", "multilabel", "query_id")}
    try:
        ours = load(bytes(text), allow_nonfinite=True, **options)
    except ValueError as error:
        assert ": expected " in str(error)  # noqa: PT017
        return
    try:
        theirs = load_svmlight_file(io.BytesIO(bytes(text)), **options)
    except OverflowError:  # an index of 2**31 or above
        return
    except ValueError:
        assert bytes(text).startswith(b"\xef\xbb\xbf")
        return
    assert_same(ours, theirs)


@pytest.mark.parametrize(
    ("path", "options"),
    [
        ("rcv1/rcv1_ccat_test.svm.gz", {}),
        ("rcv1/rcv1_ccat_test.svm.gz", {"dtype": np.float32, "n_features": 50_000}),
        ("rcv1/rcv1_topics_test.svm.gz", {"multilabel": True}),
        ("a9a/a9a.t.gz", {"zero_based": False}),
        ("w8a/w8a.gz", {}),
        ("mushrooms/agaricus_test.txt", {}),
        ("frappe/frappe.test.libfm", {}),
        ("frappe/frappe.test.libfm", {"zero_based": True}),
        ("news20/news20_test.svm.gz", {}),
    ],
)
def test_real_files_equal_sklearn(path, options):
    path = real(path)
    assert_same(load_svmlight(path, **options), load_svmlight_file(str(path), **options))


TEXT = b"1 1:0.5 3:-2\n-1 2:1e-3\n0.5\n"


@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress])
def test_every_kind_of_source(tmp_path, compress):
    path = tmp_path / "named.anything"
    path.write_bytes(compress(TEXT))
    expected = load_svmlight_file(io.BytesIO(TEXT))
    assert_same(load_svmlight(path), expected)
    assert_same(load_svmlight(str(path)), expected)
    with open(path, "rb") as file:
        assert_same(load_svmlight(file), expected)
        assert not file.closed
    descriptor = os.open(path, os.O_RDONLY)
    assert_same(load_svmlight(descriptor), expected)
    os.close(descriptor)  # raises if it was closed

    class OnlyRead:
        def __init__(self):
            self.file = io.BytesIO(compress(TEXT))

        def read(self, n):
            return self.file.read(min(n, 2))

    assert_same(load_svmlight(OnlyRead()), expected)


def test_read_only_file(tmp_path):
    path = tmp_path / "a.svm"
    path.write_bytes(TEXT)
    path.chmod(0o400)
    before = path.read_bytes(), path.stat().st_mtime_ns
    load_svmlight(path)
    assert before == (path.read_bytes(), path.stat().st_mtime_ns)


def test_results_are_writable_and_own_sorted_rows():
    X, y = load(TEXT)
    X.data *= 2
    y *= 2
    assert X.has_canonical_format
    assert X.T.tocsr().shape == (3, 3)


def test_members_and_padding_of_gzip():
    text = gzip.compress(TEXT) + gzip.compress(TEXT) + bytes(600)
    assert_same(load(text), load_svmlight_file(io.BytesIO(TEXT + TEXT)))


@pytest.mark.parametrize("size", [4, 16, 100])
@pytest.mark.parametrize("text", [TEXT, TEXT[:-1], b"\xef\xbb\xbf" + TEXT, b"1 1:1" + b" " * 999])
def test_lines_across_blocks(monkeypatch, size, text):
    blocks = module.line_blocks
    monkeypatch.setattr(
        module, "line_blocks", lambda *args, **options: blocks(*args, **options, size=size)
    )
    assert_same(load(text), load_svmlight_file(io.BytesIO(text.removeprefix(b"\xef\xbb\xbf"))))


def test_arrays_grow():
    rows = 60_000
    text = b"".join(b"%d qid:%d %d:1 %d:.5\n" % (i, i, i + 1, i + 9) for i in range(rows))
    options = {"query_id": True}
    assert_same(load(text, **options), load_svmlight_file(io.BytesIO(text), **options))
    text = text.replace(b" qid", b",7 qid")
    options["multilabel"] = True
    assert_same(load(text, **options), load_svmlight_file(io.BytesIO(text), **options))


def test_byte_order_mark_counts_for_nothing():
    assert_same(load(b"\xef\xbb\xbf" + TEXT), load_svmlight_file(io.BytesIO(TEXT)))


def test_index_types():
    tracemalloc.start()
    X, _ = load(b"1 2000000000:1\n")
    assert tracemalloc.get_traced_memory()[1] < 2**22
    assert X.shape == (1, 2_000_000_000)
    assert X.indices.dtype == np.int32
    X, _ = load(b"1 5:1\n1 2147483647:1 2147483648:2 9223372036854775806:3\n")
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()
    assert X.indices.tolist() == [4, 2147483646, 2147483647, 9223372036854775805]
    assert X.indices.dtype == X.indptr.dtype == np.int64
    X, _ = load(b"1 0:1 2147483647:1\n")  # the index fits, the number of columns does not
    assert X.indices.dtype == np.int64


def test_shape_without_entries():
    assert_same(load(b"1\n2\n"), load_svmlight_file(io.BytesIO(b"1\n2\n")))
    assert load(b"1\n", n_features=7)[0].shape == (1, 7)


def test_nonfinite_values_are_kept_on_request():
    text = b"nan 1:inf 2:-Infinity 3:-nan 4:1e999\n"
    assert_same(load(text, allow_nonfinite=True), load_svmlight_file(io.BytesIO(text)))


def test_docstring_example():
    failures, tests = doctest.testmod(module)
    assert tests > 0
    assert failures == 0


def test_headers_are_shipped():
    assert (Path(module.__file__).parents[1] / "include" / "svmlight.h").exists()
