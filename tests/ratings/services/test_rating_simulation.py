"""The statistics of ratings hold what they promise where the truth is known: a small part of `benchmarks.ratings`.

A bound is the promise with three standard errors of this number of repeats, so that a seed is wrong once in hundreds.
"""

from dataclasses import replace
from math import sqrt

import pytest

from benchmarks import ratings as simulation
from benchmarks.ratings import SITE, Design, coverage, order
from ratings.services import ballots

REPEATS = 100
SEED = 0


def error(share: float) -> float:
    """Return three standard errors of a share over the repeats."""
    return 3 * sqrt(share * (1 - share) / REPEATS)


@pytest.mark.parametrize("design", [Design(10, 20), Design(40, 20), Design(150, 5)], ids=["10", "40", "150"])
def test_intervals_of_means_cover_and_equal_models_stay_equal(design: Design) -> None:
    figures = coverage(design, REPEATS, SEED)
    assert figures["intervals_given"] == 1
    assert 0.92 - error(0.92) <= figures["coverage"] <= 0.99 + error(0.99)
    assert figures["win_rate_coverage"] >= 0.92 - error(0.92)
    assert figures["false_certainty"] <= 0.06 + error(0.06)
    assert figures["false_ranks"] <= 0.05 + error(0.05)


def test_five_people_have_a_wider_interval_and_four_have_none() -> None:
    assert coverage(Design(5, 20), REPEATS, SEED)["coverage"] >= 0.92 - error(0.92)
    few = coverage(Design(4, 20), 3, SEED)
    assert (few["intervals_given"], few["coverage"], few["false_certainty"]) == (0, "withheld", 0)


def test_the_worst_of_eight_gains_nothing_by_joining_late() -> None:
    figures = order(replace(SITE, each=10, late=True), REPEATS, SEED)
    assert figures["worst_rank"] >= 6 - 3 * figures["worst_rank_error"]
    assert figures["worst_rank_of_raw_means"] < 6, "kinder ratings lift its raw mean, or this shows nothing"


def test_two_hundred_ballots_order_eight_models() -> None:
    figures = order(replace(SITE, each=10), REPEATS, SEED)
    assert figures["tau"] >= 0.7 - 3 * figures["tau_error"]


def test_ballots_are_simulated_as_the_site_draws_them() -> None:
    drawn = (simulation.CORE, simulation.CORE_SHARE, simulation.SITE_QUERIES)
    assert drawn == (ballots.CORE, ballots.CORE_SHARE, ballots.QUERIES) and SITE.columns == ballots.COLUMNS
