import random
from collections import Counter
from math import sqrt
from statistics import mean

import pytest

from ratings.services.column_selection import Standing, closeness, select_columns

TRIES = 2000


def standing(*scores: int) -> Standing:
    return Standing(len(scores), sum(scores), sum(score * score for score in scores))


@pytest.mark.parametrize("scores", [(3,), (5, 5, 5), (1, 2, 5, 4), (2,) * 50 + (3,) * 50])
def test_the_error_is_that_of_the_mean_with_one_imaginary_score(scores: tuple[int, ...]) -> None:
    spread = sum((score - mean(scores)) ** 2 for score in scores)
    assert standing(*scores).error == pytest.approx((spread + 4) / len(scores) ** 2, abs=1e-12)


def test_closeness_counts_standard_errors_between_the_means() -> None:
    first, second = standing(4, 5, 4, 5), standing(2, 3)
    expected = (4.5 - 2.5) / sqrt((1 + 4) / 16 + (0.5 + 4) / 4)
    assert closeness(first, second) == pytest.approx(expected) == closeness(second, first)
    assert closeness(first, first) == 0 == closeness(first, None) == closeness(None, None)


def test_more_votes_of_the_same_make_a_contest_less_close() -> None:
    few, many = (closeness(standing(*(4,) * n), standing(*(3,) * n)) for n in (2, 20))
    assert few < many


def shares(stand: dict[int, Standing], models: int, most: int) -> tuple[dict[int, float], dict[int, float]]:
    """Return how often each model was selected, and the mean of the propensity that its selections had, if any."""
    chance, selected = random.Random(0), Counter[int]()
    inverse = Counter[int]()
    for _ in range(TRIES):
        selection = select_columns(range(models), most, stand, chance)
        assert len(set(selection.models)) == most == len(selection.propensities)
        selected.update(selection.models)
        for model, propensity in selection.propensities.items():
            inverse[model] += 1 / propensity  # type: ignore[assignment]
    return {model: count / TRIES for model, count in selected.items()}, {
        model: total / TRIES for model, total in inverse.items()
    }


def test_as_many_models_as_fit_are_all_shown() -> None:
    selection = select_columns([4, 7], 4, {}, random.Random(0))
    assert (selection.models, selection.propensities) == ([4, 7], {4: 1.0, 7: 1.0})


def test_propensities_are_the_frequencies_of_selection() -> None:
    """Weighted by one over its propensity, every model counts once a ballot (Horvitz and Thompson, 1952)."""
    stand = {model: standing(*[1 + model % 5, 3, 4] * (1 + model)) for model in range(7)}
    frequencies, weighted = shares(stand, 7, 4)
    assert set(frequencies) == set(range(7)), "the random half leaves no model out"
    assert weighted == pytest.approx(dict.fromkeys(range(7), 1), abs=0.12)


def test_half_of_the_columns_are_random_whatever_the_ratings() -> None:
    """Models 0 and 1 are level and all others far away: they are always the closest, yet the others are shown."""
    stand = {0: standing(*[3, 3] * 40), 1: standing(*[3, 3] * 40)}
    stand |= {model: standing(*[1 + 4 * (model % 2)] * 80) for model in range(2, 10)}
    frequencies, _ = shares(stand, 10, 4)
    assert min(frequencies.values()) >= 0.15  # two of ten at random are 0.2 each


def test_a_model_that_few_have_rated_catches_up() -> None:
    stand = {model: standing(*[3, 4] * 20) for model in range(7)} | {7: standing(3, 4)}
    frequencies, _ = shares(stand, 8, 4)
    assert frequencies[7] == 1 and max(frequencies[model] for model in range(7)) < 0.8
    frequencies, _ = shares({model: standing(*[3, 4] * 20) for model in range(7)}, 8, 4)
    assert frequencies[7] == 1, "one without any rating"


def test_among_models_with_enough_ratings_the_closest_contest_is_completed() -> None:
    stand = {0: standing(*[1] * 40), 1: standing(*[1, 1] * 19, 1, 2), 2: standing(*[5] * 40), 3: standing(*[5] * 39, 4)}
    pairs = Counter(frozenset(select_columns(range(4), 2, stand, random.Random(seed)).models) for seed in range(50))
    assert set(pairs) == {frozenset((0, 1)), frozenset((2, 3))}


def test_one_column_is_a_random_one() -> None:
    frequencies, weighted = shares({}, 3, 1)
    assert frequencies == pytest.approx(dict.fromkeys(range(3), 1 / 3), abs=0.05)
    assert weighted == pytest.approx(dict.fromkeys(range(3), 1), abs=0.12)
