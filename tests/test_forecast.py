"""Forecasts of how long a training still takes to its tolerance."""

import numpy as np
import pytest

from fastsgd.engine.linear.forecast import Outlook, forecast


@pytest.mark.parametrize("rate", [0.9, 0.99])
def test_constant_rate_is_met_exactly(rate):
    done = np.arange(1, 41)
    needed = forecast(done, rate**done, 1e-6)
    assert rate ** (40 + needed) == pytest.approx(1e-6, rel=1e-6)


def test_the_last_half_counts():
    done = np.arange(1, 41)
    gaps = np.where(done <= 20, 0.5**done, 0.5**20 * 0.9 ** (done - 20.0))
    assert forecast(done, gaps, gaps[-1] / 10) == pytest.approx(np.log(10) / -np.log(0.9))


def test_the_least_gap_counts():
    done = np.arange(1, 11)
    gaps = 0.5**done
    gaps[[6, 9]] = 3.0, np.inf
    assert forecast(done, gaps, 1e-3) == pytest.approx(4 * (np.log(0.5**9 / 1e-3)) / np.log(16) * 5
                                                       / 4)


def test_stall_never_ends():
    assert forecast([1, 2, 3, 4], [1.0, 0.5, 0.5, 0.7], 1e-3) == np.inf
    assert forecast([1, 2, 3, 4], [1.0, 0.5, 0.3, 0.2], 0.0) == np.inf


def test_nothing_is_needed():
    assert forecast([1, 2], [1.0, 1e-4], 1e-3) == 0


@pytest.mark.parametrize("gaps", [[], [0.5], [np.inf, np.nan, 0.5]])
def test_nothing_to_compare_with(gaps):
    assert np.isnan(forecast(np.arange(1, len(gaps) + 1), gaps, 1e-3))


def test_questions_come_at_doublings():
    outlook, asked = Outlook(n_rows=10), []
    for epoch in range(1, 100):
        outlook.note(10 * epoch, 2.0 * 0.9**epoch, 2.0)
        if outlook.is_time():
            asked.append(epoch)
    assert asked == [10, 20, 40, 80]
    assert outlook.epochs(0.9**109, 0.9**99) == pytest.approx(10)
    assert outlook.epochs(0.9**109, 0.9**97) == pytest.approx(12)
    needed, done = outlook.passes(0.9**109)
    assert (needed, done) == (pytest.approx(10), 99)
