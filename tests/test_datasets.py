"""The generator of RCV1-shaped data and its file."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.svm import LinearSVC

import matrix_file
import rcv1_shaped
from matrix_file import load_matrix, rows_view, save_matrix
from rcv1_shaped import make_rcv1_shaped, n_test_rows


@pytest.fixture(scope="module")
def generated():
    return make_rcv1_shaped(22_000, seed=1, return_topics=True)


def assert_same_matrix(A, B):
    assert A.shape == B.shape
    for name in ("data", "indices", "indptr"):
        assert_array_equal(getattr(A, name), getattr(B, name))


# The generator


def test_form(generated):
    X, y, topics = generated
    assert X.shape == (22_000, 47_236)
    assert (X.data.dtype, X.indices.dtype, X.indptr.dtype) == (np.float32, np.int32, np.int32)
    assert y.dtype == np.float32
    assert set(np.unique(y)) == {-1.0, 1.0}
    assert topics.shape == (22_000, 2)
    assert (topics.min(), topics.max()) == (0, rcv1_shaped.N_TOPICS - 1)


def test_rows_are_unit_vectors_with_sorted_unique_columns(generated):
    X = generated[0]
    norms = np.sqrt(X.multiply(X).sum(axis=1))
    np.testing.assert_allclose(norms, 1, atol=1e-5)
    assert X.data.min() > 0
    step = np.diff(X.indices.astype(np.int64))
    within_row = np.ones(X.nnz - 1, dtype=bool)
    within_row[X.indptr[1:-1] - 1] = False
    assert step[within_row].min() > 0
    assert X.indices.min() >= 0
    assert X.indices.max() < X.shape[1]


def test_shape_is_that_of_rcv1(generated):
    # The figures to meet are those of 20,000 real stories, within a tenth or so.
    X, y, _ = generated
    X = rows_view(X, 0, 20_000)
    length = np.diff(X.indptr)
    assert length.mean() == pytest.approx(76, rel=0.05)
    assert np.percentile(length, [5, 50, 95]) == pytest.approx([19, 62, 185], rel=0.1)
    assert length.min() >= 3
    assert np.mean(y > 0) == pytest.approx(0.47, abs=0.02)
    df = np.bincount(X.indices, minlength=X.shape[1])
    busiest = np.sort(df)[::-1]
    shares = [busiest[:k].sum() / X.nnz for k in (100, 1000, 10_000)]
    assert shares == pytest.approx([0.225, 0.675, 0.969], rel=0.03)
    assert busiest[0] / 20_000 == pytest.approx(0.438, rel=0.1)
    assert np.count_nonzero(df) == pytest.approx(27_245, rel=0.05)


def test_busy_columns_are_scattered(generated):
    df = np.bincount(generated[0].indices, minlength=47_236)
    busiest = np.argsort(-df)[:1000]
    assert abs(np.corrcoef(np.arange(1000), busiest)[0, 1]) < 0.15
    assert np.ptp(busiest) > 45_000


def test_linear_svm_errs_as_on_rcv1(generated):
    X, y, _ = generated
    svm = LinearSVC(loss="hinge", C=1 / (1e-4 * 20_000), max_iter=300)
    svm.fit(X[:20_000], y[:20_000])
    assert 0.03 < 1 - svm.score(X[20_000:], y[20_000:]) < 0.09


def test_topics_decide_the_label(generated):
    _, y, topics = generated
    positive = np.bincount(topics[:, 0], y > 0) / np.bincount(topics[:, 0])
    assert np.minimum(positive, 1 - positive).max() < 0.1  # label noise only
    side = np.bincount(topics[:, 1], y > 0) / np.bincount(topics[:, 1])
    assert np.abs(side - 0.47).max() < 0.15


@pytest.mark.parametrize("n_jobs", [1, 3])
def test_same_seed_same_rows_for_any_number_of_threads(generated, n_jobs):
    X, y = make_rcv1_shaped(9000, seed=1, n_jobs=n_jobs)
    assert_same_matrix(X, rows_view(generated[0], 0, 9000))  # and a smaller set is a prefix
    assert_array_equal(y, generated[1][:9000])


def test_other_seed_other_rows(generated):
    X, _ = make_rcv1_shaped(100, seed=2)
    assert X.nnz != rows_view(generated[0], 0, 100).nnz


def test_other_sizes_and_types():
    X, y = make_rcv1_shaped(1, n_features=1000, dtype=np.float64)
    assert X.shape == (1, 1000)
    assert X.dtype == y.dtype == np.float64


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_rows": 0}, "n_rows must be at least 1, got 0"),
        ({"n_features": 10}, "n_features must be from 1,000"),
        ({"dtype": np.float16}, "float32 or float64, got float16"),
    ],
)
def test_generator_refuses(options, message):
    with pytest.raises(ValueError, match=message):
        make_rcv1_shaped(**options)


def test_split_is_that_of_rcv1():
    assert n_test_rows(804_414) == 23_149
    assert n_test_rows(20_000) == 576
    assert n_test_rows(2) == 1


def test_command_line(tmp_path, capsys):
    out = tmp_path / "x.npz"
    assert rcv1_shaped.main(["--rows", "50", "--seed", "3", "--out", str(out)]) == 0
    assert_same_matrix(load_matrix(out)[0], make_rcv1_shaped(50, seed=3)[0])
    assert rcv1_shaped.main(["--rows", "0", "--out", str(out)]) == 1
    assert "n_rows must be at least 1" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        rcv1_shaped.main([])
    assert "--check" in capsys.readouterr().err


def test_check_prints_the_shape(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FASTSGD_DATA", str(tmp_path))
    assert rcv1_shaped.main(["--rows", "200", "--check"]) == 0
    assert "row length, 50 %" in capsys.readouterr().out


# The file


def test_failed_write_leaves_the_old_file_alone(tmp_path, monkeypatch):
    X, y = make_rcv1_shaped(20)
    path = tmp_path / "x.npz"
    save_matrix(path, X, y)
    before = path.read_bytes()

    def full_disk(file, **arrays):
        file.write(b"half of it")
        raise OSError("no space left")

    monkeypatch.setattr(matrix_file.np, "savez", full_disk)
    with pytest.raises(OSError, match="no space"):
        save_matrix(path, X[:5], y[:5])
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_load_matrix_refuses_what_it_did_not_write(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file .*x\.npz"):
        load_matrix(tmp_path / "x.npz")
    save_matrix(tmp_path / "x.npz", *make_rcv1_shaped(20))
    whole = (tmp_path / "x.npz").read_bytes()
    for damaged in (b"", b"not a zip", whole[:-100], whole[:2000] + b"\0" * 9 + whole[2009:]):
        (tmp_path / "x.npz").write_bytes(damaged)
        with pytest.raises(ValueError, match="make it again"):
            load_matrix(tmp_path / "x.npz")
    with pytest.raises(ValueError, match=r"must end in \.npz"):
        save_matrix(tmp_path / "x", *make_rcv1_shaped(20))


def test_rows_view_shares_memory(generated):
    X = generated[0]
    view = rows_view(X, 100, 20_000)
    assert_same_matrix(view, X[100:20_000])
    assert np.shares_memory(view.data, X.data)
