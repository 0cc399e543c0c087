"""What a run notices that its sample of the rows has missed: merges that went too far."""

import numpy as np
import pytest
from test_samples import objective, panel

from fastsgd import FastSGDClassifier, FastSGDRegressor, load_model, save_model
from fastsgd.engine.linear import merge

FEW = {"random_state": 0, "max_iter": 6, "tol": None, "sync": "merge"}


@pytest.fixture
def blind(monkeypatch):
    """A sample that finds rows to have next to nothing in common."""
    monkeypatch.setattr(merge, "largest_eigenvalue", lambda rows: 1e-6)


@pytest.mark.usefixtures("blind")
@pytest.mark.parametrize("n_jobs", [2, 8])
@pytest.mark.parametrize("loss", ["hinge", "log_loss", "squared_hinge", "squared_error"])
def test_merges_that_go_too_far_are_halved(loss, n_jobs, monkeypatch):
    """The objective stays within a few times the serial one, and the halvings are told."""
    X, z = panel("period 24")
    make = FastSGDRegressor if loss == "squared_error" else FastSGDClassifier
    y = z if loss == "squared_error" else (z > np.median(z)).astype(int)
    serial = objective(make(loss, **FEW | {"sync": "serial"}).fit(X, y), X, y)
    model = make(loss, n_jobs=n_jobs, **FEW).fit(X, y)
    if n_jobs == 8 or loss != "squared_error":
        assert model.fit_stats_["merge_halvings"] > 0
    assert objective(model, X, y) < 3.5 * serial


def test_healthy_merges_are_left_alone():
    X, z = panel("period 24")
    model = FastSGDClassifier("log_loss", n_jobs=2, **FEW).fit(X, z > 0)
    assert model.fit_stats_["merge_halvings"] == 0
    serial = FastSGDClassifier("log_loss", **FEW | {"sync": "serial"}).fit(X, z > 0)
    assert "merge_halvings" not in serial.fit_stats_


@pytest.mark.usefixtures("blind")
@pytest.mark.parametrize("penalty", ["l2", "elasticnet"])
@pytest.mark.parametrize("n_jobs", [2, 3, 8])
def test_halved_runs_give_the_same_bits(n_jobs, penalty):
    """Every thread draws the same conclusion, also in a run that is resumed from a file."""
    X, z = panel("period 24")
    fits = [FastSGDClassifier("log_loss", penalty=penalty, n_jobs=n_jobs, **FEW).fit(X, z > 0)
            for _ in range(2)]
    assert fits[0].fit_stats_["merge_halvings"] > 0
    np.testing.assert_array_equal(fits[0].coef_, fits[1].coef_)
    assert fits[0].loss_curve_ == fits[1].loss_curve_


@pytest.mark.usefixtures("blind")
def test_resume_goes_on_with_halved_intervals(tmp_path):
    X, z = panel("period 24")
    whole = FastSGDClassifier("log_loss", n_jobs=3, **FEW).fit(X, z > 0)
    part = FastSGDClassifier("log_loss", n_jobs=3, **FEW | {"max_iter": 2}).fit(X, z > 0)
    assert part.fit_stats_["merge_halvings"] > 0
    save_model(part, tmp_path / "model")
    part = load_model(tmp_path / "model").set_params(max_iter=6)
    part.resume(X, z > 0)
    np.testing.assert_array_equal(part.coef_, whole.coef_)
    assert part.fit_stats_["merge_halvings"] == whole.fit_stats_["merge_halvings"]


@pytest.mark.usefixtures("blind")
@pytest.mark.parametrize("n_jobs", [2, 8])
def test_free_merges_are_halved_too(n_jobs):
    X, z = panel("period 24")
    y = (z > np.median(z)).astype(int)
    serial = objective(FastSGDClassifier("log_loss", **FEW | {"sync": "serial"}).fit(X, y), X, y)
    model = FastSGDClassifier("log_loss", n_jobs=n_jobs, **FEW | {"random_state": None}).fit(X, y)
    assert objective(model, X, y) < 4 * serial
