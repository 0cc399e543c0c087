"""Names of fastsgd 0.1: each works, with a FutureWarning that names the new one."""

# ruff: noqa: F811 (fixtures that are imported)

import copy
import pickle
import warnings

import numpy as np
import pytest
from test_cli import folder, run  # noqa: F401
from test_model_file_errors import crafted, put

import fastsgd
import fastsgd.pipeline
from fastsgd import (
    FastMLPClassifier,
    FastSGDClassifier,
    LayerPipeline,
    Workers,
    load_model,
    save_model,
)
from fastsgd.errors import ModelFileError

X, Y = np.array([[-1.0, -1], [-2, -1], [1, 1], [2, 1]]), [0, 0, 1, 1]


def test_workers_policy_was_sync():
    with pytest.warns(FutureWarning, match=r"Workers\(sync=\.\.\.\) was renamed to "
                      r"Workers\(policy=\.\.\.\) in fastsgd 0\.2 and will stop") as told:
        workers = Workers(2, sync="local")
    assert told[0].filename == __file__
    assert workers == Workers(2, policy="local")
    assert repr(workers).startswith("Workers(n=2, comm='process', policy='local', local_steps=")
    with pytest.warns(FutureWarning, match="use Workers.policy=") as told:
        assert workers.sync == "local"
    assert told[0].filename == __file__
    with pytest.raises(TypeError, match=r"sync='local' and policy='sync'; .*: give policy only"):
        Workers(2, sync="local", policy="sync")
    assert Workers(2, "thread", "local").policy == "local"
    with pytest.raises(TypeError, match="synk"):
        Workers(2, synk="local")
    with pytest.raises(AttributeError, match="'Workers' object has no attribute 'synk'"):
        _ = workers.synk


@pytest.mark.parametrize("name", ["staleness", "backup"])
def test_reserved_fields_are_gone(name):
    with pytest.warns(FutureWarning, match=rf"Workers\({name}=\.\.\.\) never had an effect"):
        workers = Workers(2, **{name: None})
    assert workers == Workers(2)
    assert name not in repr(workers)
    with pytest.warns(FutureWarning, match="was removed in fastsgd 0.2"):
        assert getattr(workers, name) is None
    with pytest.warns(FutureWarning), pytest.raises(TypeError, match="leave it out; got 3"):
        Workers(2, **{name: 3})


def test_todays_names_are_quiet(recwarn):
    """Copies, pickles (of 0.1 too) and clones of workers warn nobody."""
    workers = Workers(2, comm="thread", policy="local")
    old = copy.copy(workers)
    state = {**vars(workers), "sync": "local", "staleness": None, "backup": None}
    del state["policy"]
    old.__dict__.clear()
    old.__setstate__(state)
    for same in (old, copy.deepcopy(workers), pickle.loads(pickle.dumps(workers))):
        assert vars(same) == vars(workers)
        assert hash(same) == hash(workers)
    assert not recwarn.list


def test_pipeline_is_layer_pipeline():
    for module in (fastsgd, fastsgd.pipeline):
        with pytest.warns(FutureWarning, match=rf"^{module.__name__}\.Pipeline was renamed to "
                          rf"{module.__name__}\.LayerPipeline") as told:
            assert module.Pipeline is LayerPipeline
        assert told[0].filename == __file__
    with pytest.warns(FutureWarning, match="LayerPipeline"):
        from fastsgd import Pipeline
    assert repr(Pipeline(2, 3)) == "LayerPipeline(stages=2, micro_batches=3)"
    assert "Pipeline" not in dir(fastsgd)
    with pytest.raises(AttributeError, match="has no attribute 'Pipe'"):
        _ = fastsgd.pipeline.Pipe


@pytest.mark.parametrize(("change", "expected"), [
    (put("params", "workers", {"Workers": {
        "n": 2, "comm": "thread", "sync": "local", "local_steps": 7, "batch": "global",
        "warm_up": 1.0, "rows": "all", "timeout": 300.0, "staleness": None, "backup": None,
        "compress": None}}), {"workers": Workers(2, "thread", "local", local_steps=7)}),
    (put("params", "pipeline", {"Pipeline": {"stages": 2, "micro_batches": 3}}),
     {"pipeline": LayerPipeline(2, 3)}),
], ids=["workers", "pipeline"])
def test_model_files_of_0_1_load_quietly(tmp_path, change, expected):
    (name, value), = expected.items()
    cls = FastMLPClassifier if name == "pipeline" else FastSGDClassifier
    made = {"hidden_layer_sizes": (3, 2)} if name == "pipeline" else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the few epochs
        save_model(cls(max_iter=2, **made).fit(X, Y), tmp_path / "new")
    crafted(tmp_path / "old", tmp_path / "new", change)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = load_model(tmp_path / "old")
        assert getattr(model, name) == value
        save_model(model, tmp_path / "again")
        assert getattr(load_model(tmp_path / "again"), name) == value
    for new in ("policy", "LayerPipeline"):
        assert (new.encode() in (tmp_path / "again").read_bytes()) == (new in repr(value))


def test_a_model_file_with_a_removed_value_is_refused(tmp_path):
    save_model(FastSGDClassifier(max_iter=5, tol=None).fit(X, Y), tmp_path / "new")
    crafted(tmp_path / "old", tmp_path / "new",
            put("params", "workers", {"Workers": {"n": 2, "backup": 1}}))
    with pytest.raises(ModelFileError, match=r"Workers\(backup=\.\.\.\) never had an effect"):
        load_model(tmp_path / "old")


@pytest.mark.parametrize(("old", "new", "told"), [
    (["--model", "mlp", "--model", "m"], ["--kind", "mlp", "--save", "m"],
     ["--model FILE was renamed to --save FILE"]),
    (["--model", "m", "--model", "linear"], ["--save", "m", "--kind", "linear"],
     ["--model FILE was renamed to --save FILE"]),
    (["--save", "m", "--model", "linear"], ["--save", "m", "--kind", "linear"],
     []),
    (["--model", "./mlp"], ["--save", "m"], ["--model FILE was renamed to --save FILE"]),
    (["--workers", 2, "--comm", "thread", "--worker-sync", "local"],
     ["--workers", 2, "--comm", "thread", "--policy", "local"],
     ["--worker-sync was renamed to --policy"]),
], ids=str)
def test_old_options(folder, tmp_path, monkeypatch, old, new, told):
    """The same model and exit code, and a note for each; --quiet has none."""
    monkeypatch.chdir(tmp_path)
    short = ["train", folder / "two", "--epochs", 2, "--tol", "none", "--seed", 1, "--n-jobs", 1]
    quiet = run(*short, *old, "--quiet")
    out, err = run(*short, *old)
    expected, silent = run(*short, *new)
    notes = [line for line in err.splitlines() if line.startswith("fastsgd: note: --")]
    assert len(notes) == len(told)
    for note, text in zip(notes, told, strict=True):
        assert note.startswith(f"fastsgd: note: {text} in fastsgd 0.2 and will stop working in")
    assert quiet[1] == ""
    assert "renamed" not in silent
    assert _shape(out) == _shape(expected)


def _shape(text):
    """What is printed, without times and names of files."""
    return [line for line in text.splitlines() if not line.startswith(("rows_per", "sec", "model"))
            and "second" not in line]


@pytest.mark.parametrize(("args", "text"), [
    (["--model", "mlp", "--model", "linear"],
     "--kind: takes one value, got mlp and linear; --model is its alias"),
    (["--kind", "mlp", "--model", "mlp"], "--kind: takes one value, got mlp and mlp"),
    (["--model", "x", "--model", "y"], "--save: takes one value, got x and y; --model FILE is"),
    (["--model", "x", "--save", "y"], "--save: takes one value, got y and x"),
    (["--policy", "local", "--worker-sync", "sync", "--workers", 2],
     "--policy: takes one value, got local and sync; --worker-sync is its old name"),
    (["--worker-sync", "ssp", "--workers", 2], "--policy: must be sync or local, got ssp"),
], ids=str)
def test_an_option_has_one_value(args, text):
    err = run("train", "/nowhere", *args, code=2)[1]
    assert text in " ".join(err.replace("│", " ").split())


def test_help_has_the_new_options_alone():
    text = run("train", "--help")[0]
    for name, shown in (("--kind", True), ("--save", True), ("--policy", True),
                        ("--worker-sync", False), ("--model", False)):
        assert (name in text) == shown
