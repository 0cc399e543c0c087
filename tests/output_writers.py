"""All that writes output files, as functions of a path, for the tests of outputs."""

import contextlib
import os
import resource
import stat

import numpy as np
import pytest
import scipy.sparse as sp

from fastsgd import FastMLPClassifier, FastSGDClassifier, load_model, save_model
from fastsgd.checkpoints import train_in_legs
from fastsgd.cli.predict import predict
from fastsgd.data.cache import open_cache, save_cache
from fastsgd.output_file import output_file

X = sp.random(60, 400, 0.2, "csr", random_state=0)
Y = np.arange(60) % 2
MODEL = FastSGDClassifier(max_iter=2, tol=None, random_state=0).fit(X, Y)
MLP = FastMLPClassifier(3, max_iter=1, tol=0, random_state=0)


def write_model(path):
    save_model(MODEL, path)


def write_cache(path):
    save_cache(path, X, Y)


def write_checkpoint(path):
    train_in_legs(FastSGDClassifier(max_iter=2, tol=None, random_state=0), X, Y, path, every=1)


def write_mlp_checkpoint(path):
    train_in_legs(MLP, X, Y, path, every=1)


class Predictions:
    """Writes predictions as the command does, of rows that are in a file `data`."""

    def __init__(self, data):
        save_cache(data, sp.vstack([X] * 200, "csr"))
        self._data = data

    def __call__(self, path):
        predict(MODEL, self._data, proba=False, output=path, base=None, quiet=True)


WRITERS = {"model": write_model, "cache": write_cache, "checkpoint": write_checkpoint,
           "checkpoint of an MLP": write_mlp_checkpoint, "predictions": Predictions}


@pytest.fixture(params=list(WRITERS))
def kind(request):
    return request.param


@pytest.fixture
def write(kind, tmp_path_factory):
    """Writes a file of this kind at a path."""
    writer = WRITERS[kind]
    return writer(tmp_path_factory.mktemp("data") / "rows") if isinstance(writer, type) else writer


@pytest.fixture
def device(tmp_path_factory):
    """Makes a device like null (3) or full (7): a wrong writer shall not replace the machine's."""
    made = tmp_path_factory.mktemp("devices")

    def node(minor):
        path = made / str(minor)
        try:
            os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, minor))
            with open(path, "rb"):
                pass
        except OSError:
            pytest.skip("only root makes devices, and not everywhere")
        return path

    return node


def put(path, content=b"new"):
    with output_file(path) as file:
        file.write(content)


def is_whole(kind, path):
    """Whether the file is what a writer of this kind leaves."""
    if kind == "predictions":
        with open(path, encoding="utf-8") as file:
            return len(file.read().split()) == 200 * 60
    if kind == "cache":
        return open_cache(path, check="all").X.shape == X.shape
    return load_model(path).n_features_in_ == 400


@contextlib.contextmanager
def full_disk(n_bytes=3000):
    """No file of this process may become longer: the system's error is as of a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
