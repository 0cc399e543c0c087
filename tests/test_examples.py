"""The examples' arithmetic, and that what they claim would be seen to fail if it did."""

import numpy as np
import pytest
from scipy import sparse

import convergence_theorem as theorem
import pipeline_bubble
from fastsgd.engine.mlp.pipeline.schedule import bubble, draw

HORIZONS = (100, 1_000, 10_000)


@pytest.fixture(scope="module")
def problem():
    """Noisy labels on few sparse features: 200 x 12."""
    rng = np.random.default_rng(0)
    X = sparse.random(200, 12, density=0.3, format="csr", rng=rng)
    y = np.where(X @ rng.standard_normal(12) + 0.5 * rng.standard_normal(200) > 0, 1.0, -1.0)
    return theorem.make_problem(X, y, alpha=0.01)


@pytest.fixture(scope="module")
def coins():
    """Two coins that fall on one side in 11 of 20 throws: the way to x* is flat and noisy."""
    X = sparse.csr_matrix(np.repeat(np.eye(2), 20, axis=0))
    y = np.tile(np.where(np.arange(20) < 11, 1.0, -1.0), 2)
    return theorem.make_problem(X, y, alpha=1e-4)


def plain(problem, etas, rows):
    """SGD as the theorem writes it: x_1 = 0, x_2, ..., one a row."""
    X, iterates = problem.X.toarray(), [np.zeros(problem.X.shape[1])]
    for i, eta in zip(rows, etas, strict=True):
        x, w = X[i], iterates[-1]
        g = -problem.y[i] / (1 + np.exp(problem.y[i] * (x @ w))) * x + problem.alpha * w
        iterates.append(w - eta * g)
    return np.array(iterates)


def mean_error(problem, t, stretch=1.0, seeds=10, **options):
    """Mean of f - f* with the theorem's step times `stretch`."""
    eta = stretch * theorem.step(problem, t)
    return np.mean([theorem.error(problem, theorem.run(
        problem, eta, theorem.draw(problem, t, seed), **options)) for seed in range(seeds)])


def proved(problem, t):
    """What the proof gives with R the distance: less than the bound."""
    first = np.sqrt(2) * problem.R * problem.sigma / np.sqrt(t)
    return 0.75 * first + 0.5 * problem.beta * problem.R**2 / t


def test_formulas(problem):
    p = problem._replace(beta=2.0, sigma=3.0, R=4.0)
    assert theorem.step(p, 9) == pytest.approx(1 / (2 + 9 / np.sqrt(32)))
    assert theorem.bound(p, 9) == pytest.approx(np.sqrt(32) + 32 / 9)
    rows = [theorem.Row(t, 0, 5 * t**-0.7, 0, 0, 0, 0) for t in HORIZONS]
    assert theorem.slope(rows) == pytest.approx(-0.7)


def test_optimum_is_one(problem):
    p = problem
    value = theorem.objective(p.X, p.y, p.alpha, p.w_star)
    assert np.linalg.norm(theorem.gradient(p.X, p.y, p.alpha, p.w_star)) < 1e-9
    assert p.f_star <= value < p.f_star + 1e-12
    np.testing.assert_allclose(p.R, np.linalg.norm(p.w_star), rtol=1e-6)
    for shift in 1e-3 * np.random.default_rng(1).standard_normal((20, 12)):
        assert theorem.error(p, p.w_star + shift) > 0


def test_constants_hold_everywhere(problem):
    """beta is reached at 0; sigma is that of an explicit mean over the rows."""
    p, X = problem, problem.X.toarray()
    curvature = []
    for size in (0.0, 1.0, 10.0, 100.0):
        w = size * np.random.default_rng(2).standard_normal(12)
        q = 1 / (1 + np.exp(-X @ w))
        hessian = (X.T * (q * (1 - q))) @ X / len(X) + p.alpha * np.eye(12)
        curvature.append(np.linalg.eigvalsh(hessian)[-1])
        samples = X * (q - (p.y > 0))[:, None]
        spread = np.mean(np.sum((samples - samples.mean(axis=0)) ** 2, axis=1))
        assert theorem.noise(p, w) == pytest.approx(np.sqrt(spread))
        assert np.sqrt(spread) <= p.sigma
    assert curvature[0] == pytest.approx(p.beta)
    assert max(curvature) <= p.beta * (1 + 1e-12)


def test_xbar_is_the_theorems(problem):
    """The mean of x_2 ... x_{t+1}: not of the first or the last steps alone, nor with x_1."""
    rows, eta = theorem.draw(problem, 500, 3), theorem.step(problem, 500)
    x = plain(problem, np.full(500, eta), rows)
    np.testing.assert_allclose(theorem.run(problem, eta, rows), x[1:].mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(
        theorem.run(problem, eta, rows, average=False), x[-1], rtol=1e-9)


def test_any_time_loop(problem):
    rows = theorem.draw(problem, 500, 3)
    x = plain(problem, [theorem.step(problem, s) for s in range(1, 501)], rows)
    xbar, farthest = theorem.run_any_time(
        problem, lambda s: theorem.step(problem, s), rows, {200, 500})
    np.testing.assert_allclose(xbar[0], x[1:201].mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(xbar[1], x[1:].mean(axis=0), rtol=1e-9)
    assert farthest == pytest.approx(np.linalg.norm(x - problem.w_star, axis=1).max())


@pytest.mark.parametrize("name", ["problem", "coins"])
def test_error_is_within_the_bound(name, request):
    """Of the any-time step that is measured, not proved."""
    p = request.getfixturevalue(name)
    table, _ = theorem.measure(p, HORIZONS, range(5))
    for row in table:
        assert 0 < row.mean <= min(row.largest, proved(p, row.t)) < row.bound
        assert 0 < row.any_time < row.bound
    assert -1.3 < theorem.slope(table) < -0.5


def test_bound_can_be_broken(coins):
    """Steps 30 times too short, and steps 100 times too long that are not averaged."""
    t = 100_000
    bound = theorem.bound(coins, t)
    assert mean_error(coins, t) < bound / 10
    assert mean_error(coins, t, 1 / 30) > 2 * bound
    assert mean_error(coins, t, 100, average=False) > 2 * bound
    assert mean_error(coins, t, 100) < bound / 2  # what averaging is for


def test_example_runs(problem, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(theorem, "load", lambda rows: (problem.X, problem.y, "small"))
    theorem.main(["--seeds", "2", "--longest", "1000", "--alpha", "0.01"])
    printed = capsys.readouterr().out
    assert "small, 200 x 12" in printed
    assert f"{theorem.bound(problem, 1000):.4f}" in printed
    monkeypatch.setattr(theorem, "find_spec", lambda name: None)
    with pytest.raises(SystemExit):
        theorem.main(["--plot", str(tmp_path / "theorem.png")])
    assert "matplotlib" in capsys.readouterr().err


def test_example_plots(problem, tmp_path):
    pytest.importorskip("matplotlib")
    table, _ = theorem.measure(problem, HORIZONS, range(1))
    theorem.plot(table, tmp_path / "theorem.png")
    assert (tmp_path / "theorem.png").stat().st_size > 10_000


def test_example_finds_data():
    X, y, _ = theorem.load(300)
    assert X.shape[0] == len(y) < 300
    assert set(y) == {-1.0, 1.0}


def test_bubble_example_prints_what_it_says(capsys):
    """Formula, the lecture's half of it, and a measured share for each stage, for every size."""
    pipeline_bubble.main(["--seconds", "0.001", "--minibatches", "1"])
    printed = capsys.readouterr().out
    for line in draw(3, 4).splitlines():
        assert line in printed
        assert line in pipeline_bubble.__doc__
    rows = [line.split() for line in printed.splitlines()[-len(pipeline_bubble.SIZES):]]
    for (k, m), (stages, micro_batches, lecture, formula, *measured) in zip(
            pipeline_bubble.SIZES, rows, strict=True):
        assert (int(stages), int(micro_batches), len(measured)) == (k, m, k)
        assert float(formula) == pytest.approx(bubble(k, m), abs=6e-4)
        assert float(lecture) == pytest.approx(bubble(k, m) / 2, abs=6e-4)
