from itertools import combinations

import numpy as np
import pytest
from scipy.optimize import minimize

from ratings.services.rating_statistics import Floats, Ratings
from ratings.services.win_rates import WIN_RESAMPLES, win_rates
from tests.ratings.services.test_centred_means import holed
from tests.ratings.services.test_rating_statistics import ratings

NO_MODEL = np.nan


def plainly(pile: Ratings) -> Floats:
    """Find the maximum of Davidson's likelihood with its virtual comparisons, comparison by comparison."""
    models = pile.values.shape[1]

    def chances(gap: float, tie: float) -> tuple[float, float, float]:
        parts = np.array([np.exp(gap / 2), np.exp(-gap / 2), np.exp(tie)])
        return tuple(parts / parts.sum())

    def loss(x: Floats) -> float:
        total = np.log(chances(0, x[-1])).sum() / 3
        total += sum(np.log(1 / (1 + np.exp(-s))) + np.log(1 / (1 + np.exp(s))) for s in x[:-1])
        for row in pile.values:
            for a, b in combinations(np.flatnonzero(~np.isnan(row)), 2):
                win, lose, level = chances(x[a] - x[b], x[-1])
                total += np.log(win if row[a] > row[b] else lose if row[a] < row[b] else level)
        return float(-total)

    best = minimize(loss, np.zeros(models + 1), tol=1e-12).x
    rates = np.empty(models)
    for one in range(models):
        shares = [chances(best[one] - best[other], best[-1]) for other in range(models) if other != one]
        rates[one] = np.mean([win + level / 2 for win, _, level in shares])
    return rates


@pytest.mark.parametrize("seed", range(2))
def test_rates_are_those_of_the_likeliest_strengths(seed: int) -> None:
    pile = holed(seed, people=3, each=6, models=4)
    assert win_rates(pile).values == pytest.approx(plainly(pile), abs=1e-5)


def test_of_two_models_it_is_the_share_of_wins_with_ties_as_halves() -> None:
    scores = [[5, 1]] * 500 + [[2, 4]] * 200 + [[3, 3]] * 300
    pile = ratings(*((at % 10, at // 10, pair) for at, pair in enumerate(scores)))
    assert win_rates(pile).values == pytest.approx([0.65, 0.35], abs=2e-3)


def test_only_the_order_within_a_ballot_counts() -> None:
    pile = holed(3)
    stretched = Ratings(pile.people, pile.queries, 10 * pile.values**3)
    assert np.array_equal(win_rates(stretched).resampled, win_rates(pile).resampled)


def test_a_model_that_always_wins_and_ratings_without_a_tie_have_a_rate() -> None:
    pile = ratings(*((who, query, [5, 3, 1]) for who in range(10) for query in range(10)))
    estimates = win_rates(pile)
    assert estimates.values[0] > 0.98 and estimates.values[2] < 0.02 and estimates.values[1] == pytest.approx(0.5)
    assert estimates.resampled.shape == (WIN_RESAMPLES, 3) and not np.isnan(estimates.resampled).any()


def test_ties_alone_are_a_half_each() -> None:
    pile = ratings(*((who, query, [3, 3]) for who in range(5) for query in range(10)))
    assert win_rates(pile).values == pytest.approx([0.5, 0.5])


def test_models_that_no_chain_of_ballots_compares_have_no_rate() -> None:
    chain = [(who, query, [3, 4, NO_MODEL, NO_MODEL]) for who in range(5) for query in range(10)]
    apart = [(who, 20 + query, [NO_MODEL, NO_MODEL, 5, 1]) for who in range(3) for query in range(10)]
    rates = win_rates(ratings(*chain, *apart)).values
    assert rates[1] > 0.9 and np.isnan(rates[2:]).all()
    alone = win_rates(ratings((1, 1, [3, NO_MODEL]), (2, 2, [NO_MODEL, 4])))
    assert np.isnan(alone.values).all()


def test_rates_of_known_strengths_are_found_again() -> None:
    """Davidson's own probabilities, drawn: strengths 4, 2 and 1, ties by 0.5."""
    random = np.random.default_rng(1)
    strengths, ties, ballots = np.array([4.0, 2.0, 1.0]), 0.5, []
    for at in range(3000):
        first, second = random.permutation(3)[:2]
        level = ties * np.sqrt(strengths[first] * strengths[second])
        parts = np.array([strengths[first], strengths[second], level])
        outcome = random.choice(3, p=parts / parts.sum())
        scores = [NO_MODEL] * 3
        scores[first], scores[second] = ((4, 2), (2, 4), (3, 3))[outcome]
        ballots.append((at % 50, at // 50, scores))
    expected = []
    for one in range(3):
        rest = [other for other in range(3) if other != one]
        level = ties * np.sqrt(strengths[one] * strengths[rest])
        expected.append(np.mean((strengths[one] + level / 2) / (strengths[one] + strengths[rest] + level)))
    estimates = win_rates(ratings(*ballots))
    assert estimates.values == pytest.approx(expected, abs=0.03)
    low, high = np.quantile(estimates.resampled, [0.001, 0.999], axis=0)
    assert (low < expected).all() and (expected < high).all()
