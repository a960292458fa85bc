"""What is called a difference is one, chance is not, and one seed concludes nothing."""

from itertools import combinations, product

import numpy as np
import pytest
from numpy.typing import NDArray

from mlcore.comparison import significance
from mlcore.comparison.sign_flips import normal_score
from mlcore.comparison.significance import (
    BETTER,
    CONCLUSION_TEXTS,
    ONE_SEED,
    OPPOSITE,
    UNCLEAR,
    WORSE,
    Pair,
    SignificanceTests,
    compare_rows,
)
from mlcore.errors import MetricsError

Floats = NDArray[np.float64]
Table = dict[str, dict[int, Floats]]
CLASSES, PER_CLASS = 40, 6
LABELS = np.repeat(np.arange(CLASSES), PER_CLASS)


@pytest.fixture(autouse=True)
def fewer_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(significance, "DRAWS", 999)


def scores(random: np.random.Generator, shift: float = 0.0) -> Floats:
    """Draw what queries earn, alike within a class, as it is in truth."""
    middles = random.normal(0.5 + shift, 0.1, CLASSES)
    values: Floats = middles[LABELS] + random.normal(0, 0.1, len(LABELS))
    return values


def table(*shifts: float, seeds: int = 3, training: float = 0.0) -> Table:
    """Rows that answer the same hard and easy queries; each is better by its shift, trainings differ by `training`."""
    random = np.random.default_rng(0)
    common = scores(random)
    return {
        f"row {place}": {
            seed: common + shift + random.normal(0, 0.05, len(LABELS)) + random.normal(0, training)
            for seed in range(seeds)
        }
        for place, shift in enumerate(shifts)
    }


def only(tests: SignificanceTests) -> Pair:
    [pair] = tests.pairs
    return pair


def test_a_clear_difference_is_found_in_its_direction() -> None:
    pair = only(compare_rows(LABELS, table(0.05, 0.0)))
    assert pair.conclusion == BETTER and pair.difference == pytest.approx(0.05, abs=0.01) and pair.p == 0.001
    assert pair.low is not None and pair.high is not None and 0 < pair.low < pair.difference < pair.high
    assert only(compare_rows(LABELS, table(-0.05, 0.0))).conclusion == WORSE


def test_a_row_cannot_be_told_from_itself() -> None:
    same = table(0.0)["row 0"]
    pair = only(compare_rows(LABELS, {"first": same, "second": same}))
    assert (pair.difference, pair.p, pair.p_adjusted, pair.conclusion) == (0.0, 1.0, 1.0, UNCLEAR)


def test_rounding_is_no_difference() -> None:
    same = table(0.0)["row 0"]
    nearly = {seed: values * (1 + 2e-16) for seed, values in same.items()}
    pair = only(compare_rows(LABELS, {"first": same, "second": nearly}))
    assert (pair.difference, pair.p_adjusted) == (0.0, 1.0)


def test_the_test_is_paired_by_query() -> None:
    random = np.random.default_rng(1)
    spread = scores(random) + random.normal(0, 5, len(LABELS))  # queries differ hugely, the rows hardly
    rows = {"first": {0: spread + 0.01 + random.normal(0, 0.01, len(LABELS))}, "second": {0: spread}}
    assert only(compare_rows(LABELS, rows, fixed=rows)).conclusion == BETTER


# --- against slow and plain computations


def test_two_classes_have_four_flips() -> None:
    """Differences of class means 3 and 1: D = 2, SE^2 = (1 + 1) / 2, so t = 2; the flips give D = 2, -1, 1, -2."""
    labels = np.array([0, 0, 1, 1])
    rows = {"first": {0: np.array([3.0, 3.0, 2.0, 0.0])}, "second": {0: np.zeros(4)}}
    pair = only(compare_rows(labels, rows, fixed=rows))
    # t of the flips: 2/1, -1/2, 1/2, -2/1. Two of four are as large.
    assert (pair.difference, pair.p, pair.p_adjusted, pair.conclusion) == (2.0, 0.5, 0.5, UNCLEAR)


def slow_scores(
    labels: NDArray[np.int64], rows: dict[str, Floats], signs: dict[int, int]
) -> dict[tuple[str, str], float]:
    """Return the studentised difference of each pair after flipping the classes' signs, one query at a time."""
    classes = sorted(signs)
    found = {}
    for first, second in combinations(sorted(rows), 2):
        flipped = [signs[int(label)] * (a - b) for label, a, b in zip(labels, rows[first], rows[second], strict=True)]
        mean = sum(flipped) / len(flipped)
        left = [
            sum(value - mean for value, label in zip(flipped, labels, strict=True) if label == name) for name in classes
        ]
        square = len(classes) / (len(classes) - 1) * sum(one**2 for one in left) / len(flipped) ** 2
        found[first, second] = mean / square**0.5
    return found


def test_all_pairs_are_those_of_a_slow_step_down_over_all_flips() -> None:
    random = np.random.default_rng(3)
    labels = np.repeat(np.arange(7), [1, 4, 2, 3, 5, 2, 1])
    rows = {name: random.normal(shift, 1, len(labels)) for name, shift in zip("abcd", (1.6, 0, 0.4, -1), strict=True)}
    observed = slow_scores(labels, rows, dict.fromkeys(range(7), 1))
    drawn = [
        slow_scores(labels, rows, dict(enumerate(signs))) for signs in product((1, -1), repeat=7)
    ]  # every flip, the observed one too
    left, expected, so_far = set(observed), {}, 0.0
    while left:
        largest = max(left, key=lambda pair: abs(observed[pair]))
        as_large = sum(max(abs(one[pair]) for pair in left) >= abs(observed[largest]) - 1e-9 for one in drawn)
        so_far = max(so_far, as_large / len(drawn))
        expected[largest] = so_far
        left.remove(largest)
    tests = compare_rows(labels, {name: {0: values} for name, values in rows.items()}, fixed=rows)
    assert {(pair.first, pair.second): pair.p_adjusted for pair in tests.pairs} == pytest.approx(expected)
    for row in rows:
        lead = {
            other: [one[tuple(sorted((row, other)))] * (-1 if row < other else 1) for one in (observed, *drawn)]
            for other in rows
            if other != row
        }
        largest_leads = np.max(list(lead.values()), axis=0)
        assert tests.may_be_best[row] == bool(np.mean(largest_leads[1:] >= largest_leads[0] - 1e-9) >= 0.05)


def test_seeds_add_their_variance_without_what_is_among_classes_already() -> None:
    """Two classes of two queries, two seeds; the interval shows the error and its degrees of freedom."""
    labels = np.array([0, 0, 1, 1])
    by_seed = np.array([[4.0, 4.0, 2.0, 2.0], [8.0, 8.0, 5.0, 5.0]])  # means 3 and 6.5, class means (4, 8), (2, 5)
    rows = {"first": dict(enumerate(by_seed)), "second": {0: np.zeros(4)}}
    pair = only(compare_rows(labels, rows, fixed=["second"]))
    over_classes = (6 - 4.75) ** 2  # C / (C - 1) x the squared residuals 1.25 x 2, twice, over 4^2
    over_seeds = ((3 - 4.75) ** 2 + (6.5 - 4.75) ** 2) / 2  # s^2 / S
    interaction = 2 * 4 * (0.5 * 0.5) ** 2 * 4 / (2 * 16)  # residuals of seed and class are 0.25, sums 0.5
    error = over_classes + over_seeds - interaction
    freedom = error**2 / (over_classes**2 / 1 + (over_seeds - interaction) ** 2 / 1)
    assert pair.difference == 4.75 and pair.seeds == 2 and pair.low is not None
    z = 1.959964
    critical = (freedom * np.expm1((z * (8 * freedom + 3) / (8 * freedom + 1)) ** 2 / freedom)) ** 0.5
    # With two classes the draws rarely reach 1.96, so the interval is that of one pair, or wider.
    assert pair.difference - pair.low >= critical * error**0.5 * (1 - 1e-6)


def test_more_training_noise_makes_a_wider_interval() -> None:
    widths = [
        pair.high - pair.low
        for pair in (only(compare_rows(LABELS, table(0.02, 0.0, training=noise))) for noise in (0, 0.02))
    ]
    assert widths[1] > 1.5 * widths[0]


def test_training_noise_hides_a_difference_that_queries_would_show() -> None:
    quiet, loud = (only(compare_rows(LABELS, table(0.03, 0.0, training=noise))) for noise in (0.0, 0.05))
    assert quiet.conclusion == BETTER and loud.conclusion == UNCLEAR


@pytest.mark.parametrize(("freedom", "least", "most"), [(3, 1.9, 2.0), (10, 1.94, 1.97), (1000, 1.958, 1.962)])
def test_a_normal_score_is_nearly_exact(freedom: int, least: float, most: float) -> None:
    from scipy.special import stdtrit

    score = float(normal_score(np.array(stdtrit(freedom, 0.975) ** 2), np.array(float(freedom))))
    assert least < score < most


# --- one seed


def test_one_seed_has_a_difference_and_an_interval_and_no_conclusion() -> None:
    pair = only(compare_rows(LABELS, table(0.5, 0.0, seeds=1)))
    assert (pair.p, pair.p_adjusted, pair.conclusion, pair.seeds) == (None, None, ONE_SEED, 1)
    assert pair.difference == pytest.approx(0.5, abs=0.02) and pair.low is not None and pair.low > 0.4


def test_a_row_of_one_seed_changes_nothing_for_the_others() -> None:
    rows = table(0.03, 0.0, 0.01)
    alone = compare_rows(LABELS, rows)
    more = compare_rows(LABELS, rows | {"single": {0: rows["row 0"][0] + 0.3}})
    others = [pair for pair in more.pairs if "single" not in (pair.first, pair.second)]
    for pair, before in zip(others, alone.pairs, strict=True):
        assert (pair.p, pair.p_adjusted) == (before.p, before.p_adjusted)
        assert (pair.low, pair.high) == pytest.approx((before.low, before.high))
    assert {pair.conclusion for pair in more.pairs if "single" in (pair.first, pair.second)} == {ONE_SEED}
    assert more.may_be_best == alone.may_be_best | {"single": None}
    assert set(more.level_with("single").values()) == {None} and more.level_with("row 0")["row 0"]


def test_rows_that_no_seed_changes_conclude_with_one_result() -> None:
    rows = table(0.05, 0.0, seeds=1)
    tests = compare_rows(LABELS, rows, fixed=rows)
    assert only(tests).conclusion == BETTER and only(tests).seeds == 1
    assert tests.may_be_best == {"row 0": True, "row 1": False}
    trained = table(0.05, seeds=4)["row 0"]
    pair = only(compare_rows(LABELS, {"trained": trained, "fixed": rows["row 1"]}, fixed=["fixed"]))
    assert pair.conclusion == BETTER and pair.seeds == 4


def test_a_fixed_row_counts_the_same_once_or_for_every_seed() -> None:
    rows = table(0.05, 0.02, training=0.01)
    baseline = scores(np.random.default_rng(9))
    once = compare_rows(LABELS, rows | {"fixed": {0: baseline}}, fixed=["fixed"])
    repeated = compare_rows(LABELS, rows | {"fixed": dict.fromkeys(range(3), baseline)}, fixed=["fixed"])
    assert [pair.p_adjusted for pair in once.pairs] == [pair.p_adjusted for pair in repeated.pairs]


def test_rows_may_have_other_seeds_and_as_many_as_they_like() -> None:
    rows = table(0.05, 0.0, seeds=5)
    rows["row 1"] = {7: rows["row 1"][0], 9: rows["row 1"][1]}
    pair = only(compare_rows(LABELS, rows))
    assert pair.seeds == 2 and pair.conclusion == BETTER
    expected = np.mean([v.mean() for v in rows["row 0"].values()]) - np.mean([v.mean() for v in rows["row 1"].values()])
    assert pair.difference == pytest.approx(expected)


# --- what must not matter


def test_the_order_of_rows_and_queries_changes_nothing() -> None:
    rows = table(0.03, 0.0, 0.02, 0.01, training=0.01)
    tests = compare_rows(LABELS, rows)
    order = np.random.default_rng(5).permutation(len(LABELS))
    mixed = compare_rows(
        LABELS[order],
        {name: {seed: rows[name][seed][order] for seed in reversed(rows[name])} for name in reversed(rows)},
    )
    expected = {(pair.first, pair.second): pair for pair in tests.pairs}
    for pair in mixed.pairs:
        other = expected[pair.second, pair.first]
        assert pair.difference == pytest.approx(-other.difference, abs=1e-15)
        assert (pair.p, pair.p_adjusted) == (other.p, other.p_adjusted)
        assert pair.low == pytest.approx(-other.high) and pair.high == pytest.approx(-other.low)
        assert pair.conclusion == OPPOSITE[other.conclusion]
    assert mixed.may_be_best == tests.may_be_best


@pytest.mark.parametrize(("factor", "offset"), [(100.0, 0.0), (1.0, 1000.0), (1e-6, 0.0)])
def test_unit_and_offset_of_the_values_change_no_p_value(factor: float, offset: float) -> None:
    rows = table(0.02, 0.0, 0.01, training=0.005)
    tests = compare_rows(LABELS, rows)
    changed = {name: {seed: factor * one + offset for seed, one in runs.items()} for name, runs in rows.items()}
    other = compare_rows(LABELS, changed)
    assert [pair.p_adjusted for pair in other.pairs] == pytest.approx([pair.p_adjusted for pair in tests.pairs])
    assert [pair.low for pair in other.pairs] == pytest.approx([factor * pair.low for pair in tests.pairs])


def test_a_class_weighs_as_many_queries_as_it_has() -> None:
    labels = np.repeat([0, 1, 2], [8, 1, 1])
    rows = {"first": {0: np.repeat([1.0, 0.0, 0.0], [8, 1, 1])}, "second": {0: np.zeros(10)}}
    assert only(compare_rows(labels, rows, fixed=rows)).difference == pytest.approx(0.8)


def test_blocks_bound_memory_and_change_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.repeat(np.arange(8), 3)  # all 256 flips, so no draw depends on the block
    random = np.random.default_rng(0)
    rows = {name: {0: random.normal(0.1 * place, 1, 24)} for place, name in enumerate("abc")}
    whole = compare_rows(labels, rows, fixed=rows)
    monkeypatch.setattr("mlcore.comparison.sign_flips._NUMBERS_AT_ONCE", 50)
    assert compare_rows(labels, rows, fixed=rows) == whole


def test_few_classes_cannot_decide() -> None:
    labels = np.repeat(np.arange(5), 4)
    rows = {"first": {0: np.ones(20)}, "second": {0: np.zeros(20)}}
    pair = only(compare_rows(labels, rows, fixed=rows))
    assert pair.p_adjusted == 2 / 32 and pair.conclusion == UNCLEAR
    six = np.repeat(np.arange(6), 4)
    rows = {"first": {0: np.ones(24)}, "second": {0: np.zeros(24)}}
    pair = only(compare_rows(six, rows, fixed=rows))
    assert pair.p_adjusted == 2 / 64 and pair.conclusion == BETTER


@pytest.mark.parametrize("classes", [2, 3, 4, 5])
def test_few_classes_cannot_decide_with_several_seeds_either(classes: int) -> None:
    labels, random = np.repeat(np.arange(classes), 4), np.random.default_rng(classes)
    rows = {
        name: {seed: np.full(len(labels), mean) + random.normal(0, 0.001, len(labels)) for seed in range(3)}
        for name, mean in {"first": 0.9, "second": 0.1}.items()
    }
    pair = only(compare_rows(labels, rows))
    assert pair.p is not None and pair.p >= 2 / 2**classes
    assert pair.p_adjusted is not None and pair.p_adjusted >= 2 / 2**classes and pair.conclusion == UNCLEAR


def test_one_class_has_differences_alone() -> None:
    rows = {
        "first": {0: np.ones(3), 1: np.ones(3)},
        "second": {0: np.zeros(3), 1: np.zeros(3)},
        "third": {0: np.ones(3)},
    }
    tests = compare_rows(np.zeros(3, np.int64), rows)
    assert [(pair.difference, pair.low, pair.p, pair.conclusion) for pair in tests.pairs] == [
        (1.0, None, 1.0, UNCLEAR), (0.0, None, None, ONE_SEED), (-1.0, None, None, ONE_SEED)
    ]  # fmt: skip
    assert tests.may_be_best == {"first": True, "second": True, "third": None}


@pytest.mark.parametrize(
    ("rows", "best"), [({}, {}), (table(0.0), {"row 0": True}), (table(0.0, seeds=1), {"row 0": None})]
)
def test_fewer_than_two_rows_have_no_pairs(rows: Table, best: dict[str, bool | None]) -> None:
    assert compare_rows(LABELS, rows) == SignificanceTests([], best)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_refused(bad: float) -> None:
    rows = table(0.0, 0.1)
    rows["row 1"][2][17] = bad
    with pytest.raises(MetricsError, match="row 1 has a value that is not finite"):
        compare_rows(LABELS, rows)


@pytest.mark.parametrize(
    "rows",
    [{"a": {0: np.zeros(3)}, "b": {0: np.zeros(2)}}, {"a": {0: np.zeros(3)}, "b": {}}, {"a": {0: np.zeros((3, 1))}}],
)
def test_values_that_do_not_fit_the_queries_are_refused(rows: Table) -> None:
    with pytest.raises(MetricsError):
        compare_rows(np.array([0, 1, 1]), rows)
    with pytest.raises(MetricsError):
        compare_rows(np.array([], np.int64), {"a": {0: np.array([])}, "b": {0: np.array([])}})


@pytest.mark.parametrize(
    ("difference", "adjusted", "conclusion"),
    [(0.1, 0.049, BETTER), (-0.1, 0.049, WORSE), (0.1, 0.05, UNCLEAR), (0.0, 0.0, UNCLEAR), (0.1, None, ONE_SEED)],
)
def test_a_conclusion_is_by_the_adjusted_value(difference: float, adjusted: float | None, conclusion: str) -> None:
    assert Pair("a", "b", difference, 0.0, 0.2, 0.001, adjusted, 3).conclusion == conclusion
    assert OPPOSITE[OPPOSITE[conclusion]] == conclusion and conclusion in CONCLUSION_TEXTS
