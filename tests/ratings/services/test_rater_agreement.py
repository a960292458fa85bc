from itertools import combinations

import numpy as np
import pytest

from ratings.services import rater_agreement
from ratings.services.centred_means import two_way_counts
from ratings.services.rater_agreement import agreement_between_people, krippendorff_alpha
from ratings.services.rating_statistics import Ratings
from tests.ratings.services.test_centred_means import holed
from tests.ratings.services.test_rating_statistics import many, ratings

_ = np.nan
PUBLISHED = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
        [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
    ]
)
"""Four observers and twelve units: K. Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), section C."""


def published() -> Ratings:
    people, queries = np.nonzero(~np.isnan(PUBLISHED))
    return Ratings(people, queries, PUBLISHED[people, queries][:, None])


def shares(pile: Ratings) -> tuple[float, int]:
    found = agreement_between_people(pile)
    assert found is not None
    return found.share, found.comparisons


def alpha_plainly(units: list[list[float]]) -> float:
    """Compute ordinal alpha pair by pair, with distances by the numbers of values between."""
    units = [unit for unit in units if len(unit) > 1]
    every = [value for unit in units for value in unit]
    counts = {value: every.count(value) for value in sorted(set(every))}

    def distance(a: float, b: float) -> float:
        low, high = min(a, b), max(a, b)
        between = sum(count for value, count in counts.items() if low <= value <= high)
        return float(between - (counts[low] + counts[high]) / 2) ** 2

    observed = sum(2 * distance(a, b) / (len(unit) - 1) for unit in units for a, b in combinations(unit, 2))
    expected = sum(2 * distance(a, b) for a, b in combinations(every, 2)) / (len(every) - 1)
    return 1 - observed / expected


def test_alpha_is_the_published_one() -> None:
    alpha = krippendorff_alpha(published())
    assert alpha.value == pytest.approx(0.815, abs=5e-4) and alpha.reach == (4, 11)


@pytest.mark.parametrize("seed", range(3))
def test_alpha_is_that_of_the_plain_formula(seed: int) -> None:
    pile = holed(seed)
    units = [
        [value for value in pile.values[pile.queries == query, model] if not np.isnan(value)]
        for query in range(10)
        for model in range(5)
    ]
    assert krippendorff_alpha(pile).value == pytest.approx(alpha_plainly(units), abs=1e-6)


def test_a_resample_counts_queries_but_never_compares_a_person_with_themselves() -> None:
    """Everybody drawn once: units repeat as their query does. One person drawn alone: nothing to compare."""
    pile = published()
    people, queries = two_way_counts(pile)
    own = np.flatnonzero((people[1:] == 1).all(axis=1))[0]
    units = [
        list(unit[~np.isnan(unit)])
        for query, unit in enumerate(PUBLISHED.T)
        for _ in range(int(queries[1 + own, query]))
    ]
    alpha = krippendorff_alpha(pile)
    assert alpha.resampled[own] == pytest.approx(alpha_plainly(units), abs=1e-6)
    one = ratings((1, 1, [5]), (2, 1, [1]), (1, 2, [2]), (2, 2, [4]))
    drawn = two_way_counts(one)[0][1 : 1 + rater_agreement.ALPHA_RESAMPLES]
    alone = (drawn == 2).any(axis=1)
    assert np.isnan(krippendorff_alpha(one).resampled[alone]).all() and alone.any()


def test_ratings_at_random_agree_as_chance_does() -> None:
    pile = many(np.random.default_rng(8), people=30, each=60)
    alpha, share = krippendorff_alpha(pile), agreement_between_people(pile)
    assert share is not None and share.chance == pytest.approx(0.36, abs=0.01) == pytest.approx(share.share, abs=0.02)
    assert abs(alpha.value) < 0.02
    low, high = np.quantile(alpha.resampled, [0.025, 0.975])
    assert low < 0 < high


def test_perfect_agreement_is_one_and_equal_ratings_have_none() -> None:
    same = ratings(*((who, query, [1 + query % 5, 5 - query % 5]) for who in range(5) for query in range(10)))
    assert krippendorff_alpha(same).value == pytest.approx(1)
    threes = ratings(*((who, query, [3, 3]) for who in range(5) for query in range(10)))
    assert np.isnan(krippendorff_alpha(threes).value)
    alone = ratings((1, 1, [5, 2]), (2, 2, [3, 1]))
    assert np.isnan(krippendorff_alpha(alone).value) and krippendorff_alpha(alone).reach == (0, 0)


def plainly(pile: Ratings) -> tuple[int, int]:
    """Count agreements and comparisons one by one."""
    agreed = compared = 0
    rows = list(zip(pile.queries, pile.values, strict=True))
    for (query, ours), (other, theirs) in combinations(rows, 2):
        if query != other:
            continue
        for a, b in combinations(range(len(ours)), 2):
            if not np.isnan([ours[a], ours[b], theirs[a], theirs[b]]).any():
                compared += 1
                agreed += np.sign(ours[a] - ours[b]) == np.sign(theirs[a] - theirs[b])
    return agreed, compared


def test_people_agree_as_counted_one_by_one() -> None:
    pile = many(np.random.default_rng(3), people=5, each=4)
    pile.values[::4, 1] = np.nan
    agreed, compared = plainly(pile)
    assert shares(pile) == (pytest.approx(agreed / compared), compared)


def test_people_agree_about_the_same_query_only() -> None:
    alike = ratings((1, 1, [5, 2]), (2, 1, [3, 1]), (3, 2, [1, 5]))
    assert shares(alike) == (1, 1)
    assert agreement_between_people(ratings((1, 1, [5, 2]), (2, 2, [5, 2]))) is None
    assert shares(ratings((1, 1, [3, 3]), (2, 1, [2, 2]), (3, 1, [2, 1]))) == (
        pytest.approx(1 / 3),
        3,
    )
