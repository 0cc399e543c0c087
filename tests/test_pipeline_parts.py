"""The parts of a pipeline by themselves: schedule, balance, micro-batches, transport, options."""

import json
from dataclasses import asdict
from fractions import Fraction
from itertools import combinations, pairwise

import numpy as np
import pytest
from hanging import ended
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone

import fastsgd
from fastsgd import FastMLPClassifier, LayerPipeline
from fastsgd.engine.mlp.loop import Halt
from fastsgd.engine.mlp.pipeline.balance import balance, training_costs
from fastsgd.engine.mlp.pipeline.micro_batch import cut
from fastsgd.engine.mlp.pipeline.schedule import Task, bubble, draw, gpipe, timeline
from fastsgd.engine.mlp.pipeline.transport import Aborted, ThreadTransport

SIZES = [(k, m) for k in (1, 2, 3, 4, 7) for m in (1, 2, 3, 8, 20)]


@pytest.mark.parametrize(("k", "m"), SIZES)
def test_bubble_is_counted(k, m):
    """Of m + k - 1 slots forward and as many back, k - 1 are idle: in each stage, not just in all.

    The lecture's loss, (1 - m / (k - 1 + m)) / 2, is half of it.
    """
    slots = timeline(k, m)
    expected = Fraction(k - 1, m + k - 1)
    for stage in slots:
        assert len(stage) == 2 * (m + k - 1)
        assert Fraction(stage.count(None), len(stage)) == expected
    assert bubble(k, m) == pytest.approx(float(expected))
    assert Fraction(m + k - 1 - m, 2 * (m + k - 1)) == expected / 2


@pytest.mark.parametrize(("k", "m"), SIZES)
def test_timeline_is_in_order(k, m):
    """Every task once, after what it needs; all have gone forward before one comes back."""
    at = {(stage, task): slot for stage, tasks in enumerate(timeline(k, m))
          for slot, task in enumerate(tasks) if task is not None}
    assert len(at) == 2 * k * m
    for (stage, (forward, i)), slot in at.items():
        if forward and stage:
            assert at[stage - 1, Task(True, i)] < slot
        if not forward:
            assert at[stage, Task(True, i)] < slot
            assert at[stage, Task(True, m - 1)] < slot
            if stage < k - 1:
                assert at[stage + 1, Task(False, i)] < slot


def test_drawing():
    assert draw(2, 3).splitlines() == [
        "stage 0  F0  F1  F2  .   .   B2  B1  B0", "stage 1  .   F0  F1  F2  B2  B1  B0  ."]
    assert gpipe(0) == []


@given(st.lists(st.integers(0, 50), min_size=1, max_size=8), st.data())
def test_balance_is_the_best_of_all_cuts(costs, data):
    k = data.draw(st.integers(1, len(costs)))
    found = balance(costs, k)
    assert len(found) == k
    assert [begin for begin, _ in found] == [0, *(end for _, end in found[:-1])]
    assert found[-1][1] == len(costs)
    assert all(begin < end for begin, end in found)
    least = min(max(sum(costs[a:b]) for a, b in pairwise((0, *inner, len(costs))))
                for inner in combinations(range(1, len(costs)), k - 1))
    assert max(sum(costs[a:b]) for a, b in found) == least


def test_balance_refuses():
    for k in (0, 4):
        with pytest.raises(ValueError, match=f"3 layers can be cut into 1 to 3 stages, got {k}"):
            balance([1, 2, 3], k)
    assert balance([0.0, 0.0], 2) == [(0, 1), (1, 2)]  # CSR without non-zeros


def test_costs_of_training():
    """Forward and gradient; but for the first layer the derivative by what it is fed as well."""
    assert training_costs([10, 4, 1]) == [20, 12, 3]


@given(st.integers(1, 100), st.integers(1, 40))
def test_cut(n_rows, m):
    parts = cut(n_rows, m)
    assert np.concatenate([np.arange(n_rows)[part] for part in parts]).tolist() == list(
        range(n_rows))
    lengths = [part.stop - part.start for part in parts]
    assert len(parts) == min(m, n_rows)
    assert max(lengths) - min(lengths) <= 1
    assert min(lengths) >= 1


def test_transport_keeps_order_and_copies_nothing():
    transport = ThreadTransport(3, Halt())
    first, second = np.zeros((2, 3)), np.ones((1, 3))
    transport.send(first, 0, 1)
    transport.send(second, 0, 1)
    assert transport.recv(1, 0, (2, 3)) is first
    with pytest.raises(RuntimeError, match=r"1 expected \(2, 3\) from stage 0, got \(1, 3\)"):
        transport.recv(1, 0, (2, 3))


def test_transport_aborts():
    """All that wait are told, also where arrays are left in the queue; nobody begins any more."""
    transport = ThreadTransport(2, Halt())
    transport.send(np.zeros(1), 0, 1)
    transport.abort()
    for rank in (0, 1):
        assert isinstance(ended(lambda r=rank: transport.recv(r, 1 - r, (1,))), Aborted)
        with pytest.raises(Aborted):
            transport.begin(rank)


def test_nobody_waits_for_a_stage_that_never_began():
    halt = Halt()
    transport = ThreadTransport(2, halt)
    transport.begin(0)
    halt.ask()
    assert isinstance(ended(lambda: transport.recv(0, 1, (1,))), Aborted)
    with pytest.raises(Aborted):  # nor does it work alone if it comes after all
        transport.begin(1)


@pytest.mark.parametrize("value", [0, -1, 2.5, "two", None, True, np.float64(2)], ids=repr)
@pytest.mark.parametrize("name", ["stages", "micro_batches"])
def test_pipeline_refuses(name, value):
    with pytest.raises(ValueError, match=f"{name} of a LayerPipeline must be an int >= 1"):
        LayerPipeline(**{name: value})


def test_pipeline_is_plain_and_frozen():
    made = LayerPipeline(np.int64(3), np.int32(12))
    assert made == LayerPipeline(stages=3, micro_batches=12)
    assert json.loads(json.dumps(asdict(made))) == {"stages": 3, "micro_batches": 12}
    assert eval(repr(made), {"LayerPipeline": LayerPipeline}) == made
    with pytest.raises(AttributeError):
        made.stages = 2
    model = FastMLPClassifier(pipeline=made)
    assert clone(model).get_params()["pipeline"] == made
    assert "pipeline=LayerPipeline(stages=3, micro_batches=12)" in repr(model)
    assert "LayerPipeline" in fastsgd.__all__
