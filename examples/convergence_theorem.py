"""
The convergence theorem of SGD, measured
========================================

**Theorem.** Let f be convex and beta-smooth (its gradient is Lipschitz with constant beta), x* a
minimum and R >= ``|x_1 - x*|``. At x_s we get a random g_s with E g_s = grad f(x_s) and
E ``|g_s - grad f(x_s)|^2`` <= sigma^2, and go x_{s+1} = x_s - eta g_s, t times, with the step ::

    eta = 1 / (beta + sigma / (R sqrt 2) * sqrt t).

Then the mean of the iterates, xbar = (x_2 + ... + x_{t+1}) / t, has ::

    E f(xbar) - f(x*)  <=  sqrt(2) R sigma / sqrt t  +  beta R^2 / t.

Source: Bubeck, Convex Optimization: Algorithms and Complexity, 2015, theorem 6.3, for plain
gradient steps. His R^2 is half the squared distance; with R the distance, as here, the proof
gives even 3/4 of the first term and half of the second.

**Two readings.** The t in the step is the *horizon*, how many steps there will be: the step is
constant, and another horizon is another run. That is what the proof covers. With a = 1 / eta ::

    E f(x_{s+1}) - f* <= a/2 E(|x_s - x*|^2 - |x_{s+1} - x*|^2) + sigma^2 / (2 (a - beta)),

and summed over s the distances cancel but for the first. Some lectures let the step fall on the
way, s in place of t: *any-time*, one run serves every t. Then a grows with s and the distances do
not cancel. The proof needs that no iterate is farther than R from x* (a projection), and gives
5 / (2 sqrt 2) = 1.77 in place of sqrt 2 = 1.41. So the bound is not proved for this reading.

**The problem.** Logistic regression on RCV1 (or generated rows of its shape), no intercept, from
w = 0: f(w) = (1/n) sum_i log(1 + exp(-y_i w.x_i)) + alpha/2 ``|w|^2``. Constants, for all w:

- beta = lambda_max(X^T X) / (4 n) + alpha, as the loss's second derivative is at most 1/4;
- sigma^2 = mean ``|x_i|^2``, as the loss's slope is at most 1; the penalty has no noise;
- R = ``|w*|`` from Newton's method. f is alpha-strongly convex: where the gradient is g, w* is
  within ``|g|`` / alpha and f* within ``|g|^2`` / (2 alpha). Both are counted against us.

The theorem draws rows independently, with replacement; `fit` visits each row once an epoch. So
the rows are drawn beforehand: one epoch over ``X[draws]`` with ``shuffle=False`` is the theorem's
SGD, and ``average=True`` is its xbar. The any-time step is none of fastsgd's schedules
("invscaling" is it with beta = 0); a loop in Python takes it.

**What one sees** (RCV1, 20,000 rows, alpha 1e-3, five seeds; beta 0.0074, sigma 1, R 13.4) ::

          t      mean     bound   bound/mean   not averaged   any-time
      1,000   0.06640    0.6024          9.1        0.03647    0.07638
     10,000   0.01498    0.1902         12.7        0.00646    0.00954
    100,000   0.00179    0.0601         33.5        0.00181    0.00068
    316,228   0.00057    0.0338         59.2        0.00106

- The bound holds and is 9 to 59 times the error. sigma^2 is 4 (at x_1) to 8 times (at x*) the
  noise there is. Until t = 11,000 the bound says nothing: f(x_1) - f* is only 0.183.
- It falls as t^-0.50, the error as t^-0.98 at last: f is strongly convex, which averaged SGD
  makes use of (Polyak, Juditsky 1992) and the theorem does not know.
- The mean remembers the way from x_1: below 100,000 steps the last iterate is better.
- The any-time step, unproved, is the better one from 3,162 steps on: it is longer at first and
  forgets x_1 sooner. Its iterates do go farther than R from x*, up to 1.39 R.
- fastsgd's own order, no row twice in an epoch, has 0.71 of the error after 5 epochs.
"""

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.sparse.linalg import svds

from fastsgd import FastSGDClassifier
from fastsgd.losses import LOSSES

LOSS = LOSSES["log_loss"]
HORIZONS = (100, 316, 1_000, 3_162, 10_000, 31_623, 100_000, 316_228)
ANY_TIME = 100_000  # the loop in Python goes no farther
EPOCHS = 5  # of fastsgd's own order of rows


class Problem(NamedTuple):
    """Logistic regression with L2, and the constants of the theorem."""

    X: object  # (n, d) CSR
    y: np.ndarray  # (n,) -1 and +1
    alpha: float
    w_star: np.ndarray  # (d,)
    f_star: float  # no larger than the minimum
    beta: float
    sigma: float
    R: float


class Row(NamedTuple):
    """What one horizon gave: f - f*, over the seeds."""

    t: int
    step: float
    mean: float  # of xbar
    largest: float
    bound: float
    last: float  # mean error of x_{t+1}, not averaged
    any_time: float  # mean error of xbar with the step that falls


def load(rows):
    """X, y and the name of RCV1 or the nearest thing to it at hand (see datasets/README.md)."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "datasets"))
    import sources

    data = sources.rcv1(rows=rows, dtype=np.float64)
    return data.X_train, data.y_train, data.name


def objective(X, y, alpha, w):
    """f(w)."""
    return LOSS.value(X @ w, y).mean() + alpha / 2 * (w @ w)


def gradient(X, y, alpha, w):
    """The gradient of f at w."""
    return X.T @ LOSS.derivative(X @ w, y) / len(y) + alpha * w


def make_problem(X, y, alpha):
    """The constants, each a bound that holds for all w."""
    exact = FastSGDClassifier(loss="log_loss", alpha=alpha, fit_intercept=False,
                              solver="newton-cg", tol=1e-12, max_iter=100)
    w = exact.fit(X, y).coef_[0]
    off = np.linalg.norm(gradient(X, y, alpha, w))
    largest = svds(X, k=1, v0=np.ones(min(X.shape)), return_singular_vectors=False)[0]
    return Problem(
        X, y, alpha, w_star=w, f_star=objective(X, y, alpha, w) - off**2 / (2 * alpha),
        beta=largest**2 / (4 * len(y)) + alpha,
        sigma=np.sqrt(X.multiply(X).sum() / len(y)),
        R=np.linalg.norm(w) + off / alpha)


def noise(problem, w):
    """sqrt E |g - grad f|^2 at w: what sigma bounds."""
    X, y = problem.X, problem.y
    samples = X.multiply(LOSS.derivative(X @ w, y)[:, None])
    mean = samples.sum(axis=0) / len(y)
    return np.sqrt(samples.power(2).sum() / len(y) - np.sum(np.square(mean)))


def step(problem, t):
    """eta for the horizon t; eta_s of the any-time reading with s in place of t."""
    return 1 / (problem.beta + problem.sigma / (problem.R * np.sqrt(2)) * np.sqrt(t))


def bound(problem, t):
    """The theorem's right-hand side."""
    return np.sqrt(2 / t) * problem.R * problem.sigma + problem.beta * problem.R**2 / t


def error(problem, w):
    """f(w) - f*."""
    return objective(problem.X, problem.y, problem.alpha, w) - problem.f_star


def draw(problem, t, seed):
    """t row numbers, drawn independently; for each horizon others."""
    return np.random.default_rng([seed, t]).integers(len(problem.y), size=t)


def run(problem, eta, rows=slice(None), **options):
    """The theorem's SGD with step eta over these rows in this order: xbar of shape (d,).

    Other `options`: average=False gives x_{t+1}; shuffle and max_iter fastsgd's own epochs.
    """
    options = {"average": True, "shuffle": False, "max_iter": 1} | options
    model = FastSGDClassifier(
        loss="log_loss", alpha=problem.alpha, fit_intercept=False, learning_rate="constant",
        eta0=eta, tol=None, n_jobs=1, **options)
    return model.fit(problem.X[rows], problem.y[rows]).coef_[0]


def run_any_time(problem, eta, rows, horizons):
    """One run over these rows with the step eta(s), s = 1, 2, ...

    Gives xbar after each of the horizons and the largest ``|x_s - x*|`` on the way. The weights
    are w = scale v and the sum of all so far is A + S v, so that a step touches the row's
    features alone (docs/architecture.md, Averaging).
    """
    X, w_star, xbar = problem.X, problem.w_star, []
    v, A = np.zeros(X.shape[1]), np.zeros(X.shape[1])
    scale, S, v_v, v_star, star_star = 1.0, 0.0, 0.0, 0.0, w_star @ w_star
    farthest = star_star
    etas = eta(np.arange(1, len(rows) + 1)).tolist()
    for s, (i, eta_s) in enumerate(zip(rows, etas, strict=True), start=1):
        at = slice(X.indptr[i], X.indptr[i + 1])
        columns, x, y = X.indices[at], X.data[at], problem.y[i]
        v_x = v[columns] @ x
        scale_before, scale = scale, scale * (1 - eta_s * problem.alpha)
        change = eta_s * y / (1 + np.exp(y * scale_before * v_x)) / scale
        v_v += change * (2 * v_x + change * (x @ x))
        v_star += change * (w_star[columns] @ x)
        farthest = max(farthest, scale * (scale * v_v - 2 * v_star) + star_star)
        v[columns] += change * x
        A[columns] -= S * change * x
        S += scale
        if s in horizons:
            xbar.append((A + S * v) / s)
    return xbar, np.sqrt(farthest)


def measure(problem, horizons, seeds):
    """A `Row` for each horizon, and the largest ``|x_s - x*|`` of the any-time runs."""
    shared = [t for t in horizons if t <= ANY_TIME]
    falling, farthest = [], 0.0
    for seed in seeds:
        rows = draw(problem, max(shared), seed)
        xbar, far = run_any_time(problem, lambda s: step(problem, s), rows, set(shared))
        falling.append([error(problem, w) for w in xbar])
        farthest = max(farthest, far)
    any_time = dict(zip(shared, np.mean(falling, axis=0), strict=True))
    found = []
    for t in horizons:
        eta, xbar, last = step(problem, t), [], []
        for seed in seeds:
            drawn = draw(problem, t, seed)
            xbar.append(error(problem, run(problem, eta, drawn)))
            last.append(error(problem, run(problem, eta, drawn, average=False)))
        found.append(Row(t, eta, np.mean(xbar), max(xbar), bound(problem, t), np.mean(last),
                         any_time.get(t, np.nan)))
    return found, farthest


def compare_orders(problem, seeds):
    """t = EPOCHS n, the mean error with the theorem's draws, and in fastsgd's own order."""
    t = EPOCHS * len(problem.y)
    eta, own = step(problem, t), {"shuffle": True, "max_iter": EPOCHS}
    drawn = [run(problem, eta, draw(problem, t, seed)) for seed in seeds]
    in_order = [run(problem, eta, **own, random_state=seed) for seed in seeds]
    return t, *(np.mean([error(problem, w) for w in found]) for found in (drawn, in_order))


def slope(table):
    """p of mean ~ t^p, by least squares of the logarithms."""
    return np.polyfit(*np.log([(row.t, row.mean) for row in table]).T, 1)[0]


def report(problem, name, table, farthest, orders):
    """The lines that the example prints."""
    (n, d), start = problem.X.shape, np.zeros_like(problem.w_star)
    yield f"{name}, {n:,} x {d:,}, log loss, alpha {problem.alpha:g}"
    yield (f"beta {problem.beta:.4g}   sigma {problem.sigma:.4g}   R {problem.R:.4g}   "
           f"f* {problem.f_star:.5f}   f(x_1) - f* {error(problem, start):.4f}")
    yield (f"the noise that sigma bounds: {noise(problem, start):.3f} at x_1, "
           f"{noise(problem, problem.w_star):.3f} at x*")
    yield ""
    yield "        t     step      mean   largest    bound  bound/mean  unaveraged  any-time"
    for row in table:
        yield (f"{row.t:9,}{row.step:9.4f}{row.mean:10.5f}{row.largest:10.5f}{row.bound:9.4f}"
               f"{row.bound / row.mean:12.1f}{row.last:12.5f}"
               + (f"{row.any_time:10.5f}" if row.t <= ANY_TIME else ""))
    yield ""
    yield (f"slope of log mean by log t: {slope(table):.2f}, of the last three rows "
           f"{slope(table[-3:]):.2f}; the bound's is -0.5")
    yield f"farthest any-time iterate: {farthest / problem.R:.2f} R from x*"
    yield ("{:,} steps, mean error: {:.5f} with rows drawn as in the theorem, {:.5f} in fastsgd's "
           "own order".format(*orders))


def plot(table, path):
    """Error and bound by horizon, both axes logarithmic."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4.5), layout="constrained")
    axes = figure.subplots()
    for key, line, label in (("bound", "k--", "bound"), ("mean", "o-", "step of the horizon"),
                             ("any_time", "s-", "any-time step"), ("last", "^:", "not averaged")):
        axes.loglog([row.t for row in table], [getattr(row, key) for row in table], line,
                    label=label)
    axes.set(xlabel="steps t", ylabel="f - f*")
    axes.legend()
    figure.savefig(path, dpi=150)


def main(arguments=None):
    """Measures, prints, plots."""
    parser = argparse.ArgumentParser(description="the convergence theorem of SGD, measured")
    parser.add_argument("--alpha", type=float, default=1e-3)
    parser.add_argument("--rows", type=int, default=27_613, help="training and test rows together")
    parser.add_argument("--longest", type=int, default=HORIZONS[-1], choices=HORIZONS[2:])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--plot", metavar="FILE", help="needs matplotlib")
    options = parser.parse_args(arguments)
    if options.plot and find_spec("matplotlib") is None:
        parser.error("--plot needs matplotlib: pip install matplotlib")
    X, y, name = load(options.rows)
    problem, seeds = make_problem(X, y, options.alpha), range(options.seeds)
    horizons = [t for t in HORIZONS if t <= options.longest]
    table, farthest = measure(problem, horizons, seeds)
    print(*report(problem, name, table, farthest, compare_orders(problem, seeds)), sep="\n")
    if options.plot:
        plot(table, options.plot)


if __name__ == "__main__":
    main()
