"""Backpropagation equals finite differences: activations, outputs, losses, types, CSR, dropout."""

import numpy as np
import pytest
from mlp_problem import FEATURES, HIDDEN, K, N, Problem, rows_of, settings, targets_of

from fastsgd.engine.deadline import NEVER
from fastsgd.engine.mlp.activations import ACTIVATIONS
from fastsgd.engine.mlp.lbfgs import Whole
from fastsgd.engine.mlp.loop import Halt
from fastsgd.engine.mlp.outputs import OUTPUTS
from fastsgd.engine.team import Team

WEIGHT = np.linspace(0.0, 2.5, N)  # whose sum is not N


@pytest.mark.parametrize("csr", [False, True], ids=["dense", "csr"])
@pytest.mark.parametrize("output", OUTPUTS, ids="-".join)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradient_equals_differences(activation, output, csr):
    """Every activation with every output and loss, with L2."""
    problem = Problem(settings(activation, output), rows_of(csr=csr), targets_of(output))
    found, _ = problem.gradient(problem.start)
    assert np.abs(found).max() > 1e-3
    np.testing.assert_allclose(found, problem.differences(problem.start), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("csr", [False, True], ids=["dense", "csr"])
@pytest.mark.parametrize("output", OUTPUTS, ids="-".join)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_float32_equals_float64(activation, output, csr):
    found = {}
    for dtype in (np.float32, np.float64):
        problem = Problem(settings(activation, output), rows_of(dtype, csr),
                          targets_of(output, dtype))
        start = problem.start.astype(np.float32).astype(np.float64)
        found[dtype] = problem.gradient(start)[0]
        assert problem(start)[1].rest.dtype == dtype
    np.testing.assert_allclose(found[np.float32], found[np.float64], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("output", OUTPUTS, ids="-".join)
def test_weights(output):
    """Weights of rows, one of them 0, and of labels."""
    by_label = None
    if output[0] == "logistic":
        by_label = np.array([[0.5, 2.0], [1.0, 3.0], [0.0, 1.0]])
    problem = Problem(settings(output=output), rows_of(), targets_of(output), WEIGHT, by_label)
    found, _ = problem.gradient(problem.start)
    np.testing.assert_allclose(found, problem.differences(problem.start), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("csr", [False, True], ids=["dense", "csr"])
def test_dropout_with_fixed_masks(csr):
    chosen = settings(dropout=(0.3, 0.5, 0.25))
    problem = Problem(chosen, rows_of(csr=csr), targets_of(("softmax", "log_loss")))
    found, _ = problem.gradient(problem.start)
    np.testing.assert_allclose(found, problem.differences(problem.start), rtol=1e-5, atol=1e-7)
    whole = Problem(settings(), rows_of(csr=csr), targets_of(("softmax", "log_loss")))
    assert np.abs(whole.gradient(problem.start)[0] - found).max() > 1e-3


def test_lazy_is_the_gradient_of_touched_rows():
    """The others get neither gradient nor penalty."""
    args = rows_of(csr=True), targets_of(("softmax", "log_loss"))
    lazy, whole = Problem(settings(lazy=True), *args), Problem(settings(), *args)
    found, touched = lazy.gradient(lazy.start)
    expected, _ = whole.gradient(lazy.start)
    assert sorted(touched) == [0, 1, 3, 4]
    first = expected[:FEATURES * HIDDEN[0]].reshape(FEATURES, HIDDEN[0])
    assert np.abs(first[2]).max() > 0  # the penalty, which lazy leaves out
    first[2] = 0
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("csr", [False, True], ids=["dense", "csr"])
@pytest.mark.parametrize("n_threads", [0, 2])
def test_sum_over_all_rows(csr, n_threads):
    """What lbfgs minimises has the same value and gradient, by any threads, with weights."""
    output = ("softmax", "log_loss")
    problem = Problem(settings(), rows_of(csr=csr), targets_of(output), WEIGHT)
    with Team(n_threads, on_interrupt=lambda: None, deadline=NEVER) as team:
        whole = Whole(problem.examples, problem.parameters, problem.settings, team, Halt())
        whole(-problem.start)  # nothing is left of it
        value, gradient = whole(problem.start)
    np.testing.assert_allclose(value, problem(problem.start)[0], rtol=1e-12)
    np.testing.assert_allclose(gradient, problem.gradient(problem.start)[0], rtol=1e-9, atol=1e-14)


def test_losses_are_of_the_outputs():
    """The loss before backpropagation agrees with the formula, from what `apply` says."""
    z = np.random.default_rng(0).normal(size=(N, K)) * 3
    for name, output in OUTPUTS.items():
        target, said = targets_of(name), z.copy()
        output.apply(said)
        losses = output.loss(z.copy(), target)
        if name[0] == "softmax":
            target = np.eye(K)[target]
        each = {
            "log_loss": -target * np.log(said) - (name[0] == "logistic") * (
                1 - target) * np.log(1 - said),
            "squared_error": (said - target) ** 2 / 2,
            "poisson": target * np.log(target / said) - target + said,
        }[name[1]]
        expected = each if losses.ndim == 2 else each.sum(axis=1)
        np.testing.assert_allclose(losses, expected, rtol=1e-10, err_msg=str(name))


def test_losses_of_extreme_outputs_are_finite():
    """Cross-entropies of z = +-1000, where a probability is 0 in floating point."""
    z = np.array([[1000.0, -1000.0, 0.0]])
    each = {name: OUTPUTS[name].loss(z.copy(), target) for name, target in [
        (("softmax", "log_loss"), np.array([1])), (("logistic", "log_loss"), np.ones((1, 3)))]}
    assert each["softmax", "log_loss"] == 2000
    np.testing.assert_allclose(each["logistic", "log_loss"], [[0, 1000, np.log(2)]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_probabilities_of_extreme_outputs(dtype):
    """At z = 1e30 and -1e30 they are 0 and 1 and add up: no exponential overflows."""
    z = np.array([[1e30, -1e30, 0.0], [-1e30, -1e30, -1e30], [800.0, 801.0, -1e4]], dtype)
    for name in (("softmax", "log_loss"), ("logistic", "log_loss")):
        said = z.copy()
        OUTPUTS[name].apply(said)
        assert np.isfinite(said).all()
        assert said.min() >= 0
        assert said.max() <= 1
        if name[0] == "softmax":
            np.testing.assert_allclose(said.sum(axis=1), 1, rtol=1e-6)
            np.testing.assert_allclose(said[1], 1 / 3, rtol=1e-6)
