"""``python -O`` and ``-OO``: neither asserts nor docstrings are there, and all works as ever."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from test_cli import folder, run  # noqa: F401 (a fixture)

import fastsgd

# ruff: noqa: F811 (fixtures that are imported)

PACKAGE = Path(fastsgd.__file__).parent

ALL = """
import importlib, json, os, pickle, sys, tempfile, warnings
import numpy as np
import scipy.sparse as sp
import fastsgd
from sklearn.base import clone, is_classifier

if sys.flags.optimize:
    assert False
warnings.simplefilter("ignore")
names = json.loads(sys.argv[1])
for name in names:
    importlib.import_module(name)
public = [getattr(fastsgd, name) for name in fastsgd.__all__]
rng = np.random.RandomState(0)
X = sp.csr_matrix(rng.randn(60, 5))
y = (X[:, [0]].toarray().ravel() > 0).astype(int)
told = []
for kind in (fastsgd.FastSGDClassifier, fastsgd.FastSGDRegressor,
             fastsgd.FastMLPClassifier, fastsgd.FastMLPRegressor):
    fits = [{}]
    if "SGD" in kind.__name__:
        fits += [{"solver": "lbfgs", "loss": "squared_error"}, {"n_jobs": 2, "sync": "merge"}]
        if kind is fastsgd.FastSGDClassifier:
            fits += [{"solver": "sdca", "loss": "log_loss"}, {"workers": 2}]
    else:
        fits += [{"pipeline": fastsgd.LayerPipeline(2)}, {"n_jobs": 2, "sync": "map_reduce"}]
    for params in fits:
        new = clone(kind(random_state=0, max_iter=3, **params)).fit(X, y)
        with tempfile.TemporaryDirectory() as place:
            path = os.path.join(place, "model")
            fastsgd.save_model(new, path)
            again = pickle.loads(pickle.dumps(fastsgd.load_model(path)))
        assert repr(again) and again.get_params()
        told.append([kind.__name__, str(params), again.predict(X).tolist()])
        again.set_params(workers=None, pipeline=None) if "MLP" in kind.__name__ else None
try:
    fastsgd.FastSGDClassifier(loss="no").fit(X, y)
except ValueError as error:
    told.append(sorted(str(error)))
with fastsgd.comm.open("process", 2) as pool:
    flags = pool.run("comm_odd_tasks:interpreter")
assert [one["flags"]["optimize"] for one in flags] == 2 * [sys.flags.optimize]
if [one["flags"]["optimize"] for one in flags] != 2 * [sys.flags.optimize]:
    raise SystemExit("workers have not got the option")
print(json.dumps(told))
"""


def modules():
    """Names of all modules of the package."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = ("fastsgd", *path.relative_to(PACKAGE).with_suffix("").parts)
        if parts[-1] != "__main__":
            found.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return found


def python(*args):
    done = subprocess.run([sys.executable, *map(str, args)], capture_output=True, text=True,
                          cwd=Path(__file__).parent, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_all_modules_and_estimators():
    names = json.dumps(modules())
    usual = json.loads(python("-c", ALL, names).splitlines()[-1])
    assert len(usual) == 15
    for flag in ("-O", "-OO"):
        assert json.loads(python(flag, "-c", ALL, names).splitlines()[-1]) == usual


COMMANDS = ("train", "predict", "evaluate", "inspect", "convert")


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_the_help_of_commands(command):
    """It tells what the command is for."""
    help_of = [*([command] if command else []), "--help"]
    text = python("-OO", "-m", "fastsgd.cli", *help_of)
    begins = {"train": "Train a model", "predict": "Print the label", "convert": "Write DATA",
              "evaluate": "Print rows, error", "inspect": "Print what a model"}
    for name in [command] if command else COMMANDS:
        assert begins[name] in text


def test_the_commands(folder, tmp_path):
    """They print what they print without the option."""
    begin = ["-OO", "-m", "fastsgd.cli"]
    python(*begin, "convert", folder / "two", tmp_path / "cache")
    python(*begin, "train", tmp_path / "cache", "--seed", 1, "--epochs", 5, "--tol", "none",
           "--save", tmp_path / "model", "--quiet")
    for command in (["predict", folder / "two", "--model", tmp_path / "model"],
                    ["evaluate", folder / "two", "--model", tmp_path / "model"],
                    ["inspect", tmp_path / "model", "--json"]):
        assert python(*begin, *command) == run(*command)[0]
