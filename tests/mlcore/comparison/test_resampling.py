"""Intervals of rows come from the resamples that they claim."""

import numpy as np
import pytest
from numpy.typing import NDArray

from mlcore.comparison import resampling
from mlcore.comparison.resampling import Resampled

LABELS = np.repeat(np.arange(40), 6)


@pytest.fixture(autouse=True)
def fewer_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resampling, "RESAMPLES", 2000)


def scores(seed: int) -> NDArray[np.float64]:
    """Draw what queries earn, alike within a class, as it is in truth."""
    random = np.random.default_rng(seed)
    values: NDArray[np.float64] = random.normal(0.5, 0.1, 40)[LABELS] + random.normal(0, 0.1, len(LABELS))
    return values


def test_resampled_means_are_those_of_a_slow_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """In distribution: classes first, then as many queries as a drawn class has."""
    monkeypatch.setattr(resampling, "RESAMPLES", 4000)
    labels = np.repeat(np.arange(5), [1, 2, 3, 8, 2])
    values = np.random.default_rng(0).normal(size=len(labels))
    fast = Resampled(labels, {"row": {0: values}}).drawn[:, 0]
    random, slow = np.random.default_rng(1), []
    for _ in range(4000):
        drawn: list[float] = []
        for label in random.integers(5, size=5):
            members = np.flatnonzero(labels == label)
            drawn += values[random.choice(members, len(members))].tolist()
        slow.append(np.mean(drawn))
    assert fast.mean() == pytest.approx(np.mean(slow), abs=0.02)
    assert np.quantile(fast, [0.025, 0.5, 0.975]) == pytest.approx(np.quantile(slow, [0.025, 0.5, 0.975]), abs=0.05)


def test_blocks_bound_memory_and_change_nothing_in_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Resampled(LABELS, {"row": {0: scores(0)}}).interval("row")
    monkeypatch.setattr(resampling, "_WEIGHTS_AT_ONCE", 7 * len(LABELS))
    low, high = Resampled(LABELS, {"row": {0: scores(0)}}).interval("row")
    assert (low, high) == pytest.approx(whole, abs=0.01) and low < high


def test_an_interval_with_seeds_that_differ_is_wider() -> None:
    same = scores(0)
    alike = Resampled(LABELS, {"row": {0: same, 1: same, 2: same}}).interval("row")
    apart = Resampled(LABELS, {"row": {0: same - 0.2, 1: same, 2: same + 0.2}}).interval("row")
    assert apart[1] - apart[0] > 2 * (alike[1] - alike[0])
