"""What is called a difference is one, and chance is not."""

import numpy as np
import pytest

from mlcore.comparison import significance
from mlcore.comparison.significance import BETTER, UNCLEAR, WORSE, Pair, Resampled, holm

CLASSES, PER_CLASS = 40, 6
LABELS = np.repeat(np.arange(CLASSES), PER_CLASS)


@pytest.fixture(autouse=True)
def fewer_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(significance, "RESAMPLES", 2000)


def scores(random: np.random.Generator, shift: float = 0.0) -> np.ndarray:
    """Draw what queries earn, alike within a class, as it is in truth."""
    middles = random.normal(0.5 + shift, 0.1, CLASSES)
    found: np.ndarray = middles[LABELS] + random.normal(0, 0.1, len(LABELS))
    return found


def rows(shift: float, seeds: int = 3, seed: int = 0) -> dict[str, dict[int, np.ndarray]]:
    """Two rows that answer the same hard and easy queries; one is better by `shift`."""
    random = np.random.default_rng(seed)
    common = scores(random)
    return {
        name: {run: common + step + random.normal(0, 0.05, len(LABELS)) for run in range(seeds)}
        for name, step in (("first", shift), ("second", 0.0))
    }


def test_a_clear_difference_is_found_in_its_direction() -> None:
    (pair,) = Resampled(LABELS, rows(0.05)).pairs()
    assert pair.conclusion == BETTER and pair.difference == pytest.approx(0.05, abs=0.01) and pair.p < 0.01
    assert Resampled(LABELS, rows(-0.05)).pairs()[0].conclusion == WORSE


def test_a_row_cannot_be_told_from_itself() -> None:
    same = rows(0.0)["first"]
    (pair,) = Resampled(LABELS, {"first": same, "second": same}).pairs()
    assert (pair.difference, pair.p, pair.conclusion) == (0.0, 1.0, UNCLEAR)


def test_chance_is_called_a_difference_about_one_time_in_twenty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(significance, "RESAMPLES", 400)
    called = 0
    for trial in range(200):
        random = np.random.default_rng(trial)
        # What differs between the rows is alike within a class: the hard case for a test over queries alone.
        values = {"first": {0: scores(random)}, "second": {0: scores(random)}}
        called += Resampled(LABELS, values, seed=trial).pairs()[0].p < 0.05
    assert 3 <= called <= 22


def test_the_test_is_paired_by_query() -> None:
    random = np.random.default_rng(1)
    spread = scores(random) + random.normal(0, 5, len(LABELS))  # queries differ hugely, the rows hardly
    values = {"first": {0: spread + 0.01 + random.normal(0, 0.01, len(LABELS))}, "second": {0: spread}}
    assert Resampled(LABELS, values).pairs()[0].conclusion == BETTER


def test_only_seeds_that_both_rows_have_are_compared() -> None:
    found = rows(0.05)
    found["second"] = {seed: values for seed, values in found["second"].items() if seed != 1}
    found["third"] = {9: found["first"][0]}
    pairs = Resampled(LABELS, found).pairs()
    assert [(pair.first, pair.second, pair.seeds) for pair in pairs] == [("first", "second", 2)]
    expected = np.mean([found["first"][s].mean() - found["second"][s].mean() for s in (0, 2)])
    assert pairs[0].difference == pytest.approx(expected)


def test_resampled_means_are_those_of_a_slow_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """In distribution: classes first, then as many queries as a drawn class has."""
    monkeypatch.setattr(significance, "RESAMPLES", 4000)
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
    monkeypatch.setattr(significance, "_WEIGHTS_AT_ONCE", 7 * len(LABELS))
    low, high = Resampled(LABELS, rows(0.0)).interval("first")
    monkeypatch.undo()
    whole_low, whole_high = Resampled(LABELS, rows(0.0)).interval("first")
    assert (low, high) == pytest.approx((whole_low, whole_high), abs=0.01) and low < high


def test_an_interval_with_seeds_that_differ_is_wider() -> None:
    same = scores(np.random.default_rng(0))
    alike = Resampled(LABELS, {"row": {0: same, 1: same, 2: same}}).interval("row")
    apart = Resampled(LABELS, {"row": {0: same - 0.2, 1: same, 2: same + 0.2}}).interval("row")
    assert apart[1] - apart[0] > 2 * (alike[1] - alike[0])


def test_holm_is_the_step_down_of_the_paper() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1.0, 1.0] and holm([]) == []


@pytest.mark.parametrize(
    ("difference", "corrected", "conclusion"),
    [(0.1, 0.049, BETTER), (-0.1, 0.049, WORSE), (0.1, 0.05, UNCLEAR), (0.0, 0.0, UNCLEAR)],
)
def test_a_conclusion_is_by_the_corrected_value(difference: float, corrected: float, conclusion: str) -> None:
    assert Pair("a", "b", difference, 0.001, corrected, 3).conclusion == conclusion
