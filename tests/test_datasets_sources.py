"""The rule that finds data: an explicit path, real files at hand, the generator."""

import gzip

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.sparse import csr_matrix

import sources
from matrix_file import save_matrix
from rcv1_shaped import make_rcv1_shaped, n_test_rows


@pytest.fixture
def home(tmp_path, monkeypatch):
    """No data at hand: an empty place for the cache, no data directory, nothing downloaded."""
    monkeypatch.setattr(sources, "ROOT", tmp_path / "home" / "repository")
    monkeypatch.setattr(sources, "CACHE", tmp_path / "cache")
    monkeypatch.delenv("FASTSGD_DATA", raising=False)
    monkeypatch.setattr("sklearn.datasets.fetch_rcv1", not_cached)
    return tmp_path


def not_cached(subset, download_if_missing):
    raise OSError("no such file, no network")


def cached(subset, download_if_missing):
    class Bunch:
        data = csr_matrix(np.eye(20, 47_236))
        target = csr_matrix(np.tile([[0, 1], [1, 0]], (10, 1)))
        target_names = np.array(["C15", "CCAT"], dtype=object)

    return Bunch


def write_sample(root, n_train=30, n_test=10):
    """A stand-in for the real sample below ``root``."""
    (root / "rcv1").mkdir(parents=True)
    for part, n in (("train", n_train), ("test", n_test)):
        lines = (f"{'+1' if i % 3 else '-1'} {i + 1}:0.6 47236:0.8\n" for i in range(n))
        with gzip.open(root / "rcv1" / f"rcv1_ccat_{part}.svm.gz", "wt") as file:
            file.writelines(lines)


def test_generator_is_the_last_resort_and_is_cached(home, monkeypatch):
    data = sources.rcv1(rows=400, seed=5)
    assert data.name == "RCV1-shaped"
    assert "generated, not real: 400 rows, seed 5" in data.note
    assert (data.X_train.shape[0], data.X_test.shape[0]) == (388, 12)
    assert len(list(sources.CACHE.iterdir())) == 1

    def must_not_run(*args, **options):
        raise AssertionError("generated twice")

    with monkeypatch.context() as patch:
        patch.setattr(sources, "make_rcv1_shaped", must_not_run)
        again = sources.rcv1(rows=400, seed=5)
    assert_array_equal(again.X_train.data, data.X_train.data)
    assert_array_equal(again.X_train.indices, data.X_train.indices)
    assert_array_equal(again.y_test, data.y_test)

    (file,) = sources.CACHE.iterdir()
    file.write_bytes(b"damaged")
    assert_array_equal(sources.rcv1(rows=400, seed=5).X_test.data, data.X_test.data)


def test_data_without_a_place_for_the_cache(home, monkeypatch):
    (home / "file").write_text("")
    monkeypatch.setattr(sources, "CACHE", home / "file" / "cache")
    with pytest.warns(UserWarning, match="not cached"):
        assert sources.rcv1(rows=50).name == "RCV1-shaped"


def test_order_of_the_rule(home, monkeypatch):
    assert sources.rcv1(rows=50).name == "RCV1-shaped"

    monkeypatch.setattr("sklearn.datasets.fetch_rcv1", cached)
    monkeypatch.setattr(sources, "N_TEST", 5)
    data = sources.rcv1()
    assert data.name == "RCV1"
    assert (data.X_train.shape[0], data.X_test.shape[0]) == (15, 5)
    assert_array_equal(data.y_test, [1, -1, 1, -1, 1])  # scikit-learn's first rows
    assert data.X_train.dtype == np.float32

    write_sample(sources.ROOT.parent / "shared" / "data")
    data = sources.rcv1()
    assert data.name == "RCV1 sample"
    assert data.X_train.shape == (30, 47_236)

    write_sample(home / "elsewhere", n_train=20)
    monkeypatch.setenv("FASTSGD_DATA", str(home / "elsewhere"))
    assert sources.rcv1().X_train.shape[0] == 20

    assert sources.rcv1(fetch=True).name == "RCV1"
    monkeypatch.setattr(sources, "SIZES", {"demo": 40, "full": 60})
    assert "60 rows" in sources.rcv1(size="full").note

    path = home / "own.svm"
    path.write_text("".join(f"{i % 2} 1:{i + 1} 7:2\n" for i in range(20)))
    data = sources.rcv1(path)
    assert data.name == "own.svm"
    assert (data.X_train.shape, data.X_test.shape) == ((18, 7), (2, 7))
    assert set(data.y_train) == {-1.0, 1.0}


def test_nothing_is_downloaded_unless_asked(home, monkeypatch):
    asked = []

    def record(subset, download_if_missing):
        asked.append(download_if_missing)
        raise OSError("no network")

    monkeypatch.setattr("sklearn.datasets.fetch_rcv1", record)
    sources.rcv1(rows=50)
    with pytest.raises(OSError, match=r"no network.*leave fetch out"):
        sources.rcv1(fetch=True)
    assert asked == [False, True]


def test_explicit_files(home):
    (home / "a.svm").write_text("1 1:1 3:2\n-1 2:1\n")
    (home / "b.svm").write_text("-1 5:1\n")
    data = sources.rcv1(home / "a.svm", home / "b.svm")
    assert (data.X_train.shape, data.X_test.shape) == ((2, 5), (1, 5))
    save_matrix(home / "c.npz", *make_rcv1_shaped(100))
    data = sources.rcv1(home / "c.npz")
    assert data.X_test.shape[0] == n_test_rows(100)
    assert sources.rcv1(home / "c.npz", rows=10).X_train.shape[0] == 9


def test_real_rows_are_thinned_not_cut(home, monkeypatch):
    write_sample(home / "data")
    monkeypatch.setenv("FASTSGD_DATA", str(home / "data"))
    data = sources.rcv1(rows=20)
    assert (data.X_train.shape[0], data.X_test.shape[0]) == (15, 5)
    assert "20 of its 40 rows" in data.note
    assert sources.rcv1(rows=99).X_train.shape[0] == 30


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"path": "nowhere.svm"}, FileNotFoundError, r"no file 'nowhere\.svm'.*svmlight text"),
        ({"size": "huge"}, ValueError, "'demo', 'full', got 'huge'"),
        ({"rows": 1}, ValueError, "rows must be at least 2.*got 1"),
        ({"path": "x", "size": "full"}, ValueError, "path and size='full' name different data"),
        ({"test_path": "x"}, ValueError, "test_path needs path"),
    ],
)
def test_rule_refuses(home, options, error, message):
    with pytest.raises(error, match=message):
        sources.rcv1(**options)


def test_more_than_two_classes_are_refused(home):
    (home / "x.svm").write_text("".join(f"{i} 1:1\n" for i in range(9)))
    with pytest.raises(ValueError, match=r"x\.svm must have two classes, has 9"):
        sources.rcv1(home / "x.svm")


def test_find_and_load(home, monkeypatch):
    assert sources.find("a9a") is None
    with pytest.raises(FileNotFoundError, match=r"a9a/a9a\.gz and a9a/a9a\.t\.gz.*FASTSGD_DATA"):
        sources.load("a9a")
    with pytest.raises(ValueError, match="unknown data set 'a8a'; known are rcv1_ccat"):
        sources.find("a8a")
    write_sample(home / "data")
    monkeypatch.setenv("FASTSGD_DATA", str(home / "data"))
    assert sources.find("rcv1_ccat") == home / "data" / "rcv1" / "rcv1_ccat_train.svm.gz"
    X, y, X_test, y_test = sources.load("rcv1_ccat", np.float32)
    assert (X.shape, y.shape, X_test.shape, y_test.shape) == (
        (30, 47236),
        (30,),
        (10, 47236),
        (10,),
    )
    monkeypatch.setenv("FASTSGD_DATA", str(home / "missing"))
    with pytest.raises(FileNotFoundError, match="which is no directory"):
        sources.find("a9a")


def test_housing_is_standardised_by_its_training_rows(home, monkeypatch):
    rng = np.random.default_rng(0)
    table = np.column_stack([rng.normal(5, 3, (16_600, 8)), rng.random(16_600)])
    (home / "california_housing").mkdir()
    path = home / "california_housing" / "california_housing.csv.gz"
    np.savetxt(
        path, table, delimiter=",", header="a,b,c,d,e,f,g,h,target", comments="", fmt="%.4g"
    )
    monkeypatch.setenv("FASTSGD_DATA", str(home))
    X, y, X_test, y_test = sources.load("california_housing")
    assert (X.shape, X_test.shape) == ((16_512, 8), (88, 8))
    assert (y.shape, y_test.shape) == ((16_512,), (88,))
    np.testing.assert_allclose(X.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(X.std(axis=0), 1)
