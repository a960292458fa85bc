"""The statistics of ratings hold what they promise where the truth is known: a small part of `benchmarks.ratings`.

A bound is the promise with three standard errors of the repeats that there are, so that a seed is wrong once in
hundreds. The repeats are what 25 s of one core allow.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import sqrt

from benchmarks import ratings as simulation
from benchmarks.measuring import Result
from benchmarks.ratings import COVERAGE, FALSE_CERTAINTY, SITE, TAU, WORST_RANK, Design, bounds, coverage, order
from ratings.services import ballots

REPEATS = {Design(10, 20): 200, Design(40, 20): 120, Design(150, 5): 60}
FEW_REPEATS = 60
SEED = 0


def test_intervals_of_means_cover_and_equal_models_stay_equal() -> None:
    measured = [coverage(design, repeats, SEED) for design, repeats in REPEATS.items()]
    for figures in measured:
        assert figures["intervals_given"] == 1
        assert COVERAGE[0] - 3 * figures["error"] <= figures["coverage"] <= COVERAGE[1] + 3 * figures["error"]
        assert figures["win_rate_coverage"] >= COVERAGE[0] - 3 * figures["win_rate_error"]
    for name, promised in (("false_certainty", FALSE_CERTAINTY), ("false_ranks", 0.05)):
        assert pooled(measured, name) <= promised + 3 * sqrt(promised * (1 - promised) / sum(REPEATS.values()))


def pooled(measured: Sequence[Result], name: str) -> float:
    """Return a share over the repeats of all designs: one of them alone has too few to tell .06 from .13."""
    return sum(one[name] * one["repeats"] for one in measured) / sum(one["repeats"] for one in measured)


def test_five_people_have_a_wider_interval_and_four_have_none() -> None:
    figures = coverage(Design(5, 20), FEW_REPEATS, SEED)
    assert figures["coverage"] >= COVERAGE[0] - 3 * figures["error"]
    few = coverage(Design(4, 20), 3, SEED)
    assert (few["intervals_given"], few["coverage"], few["false_certainty"]) == (0, "withheld", 0)


def test_the_worst_of_eight_gains_nothing_by_joining_late() -> None:
    figures = order(replace(SITE, each=10, late=True), FEW_REPEATS, SEED)
    assert figures["worst_rank"] >= WORST_RANK - 3 * figures["worst_rank_error"]
    assert figures["worst_rank_of_raw_means"] < WORST_RANK, "kinder ratings lift its raw mean, or this shows nothing"


def test_two_hundred_ballots_order_eight_models() -> None:
    figures = order(replace(SITE, each=10), FEW_REPEATS, SEED)
    assert figures["tau"] >= TAU - 3 * figures["tau_error"]


def test_the_benchmark_says_which_promises_hold() -> None:
    good = {"coverage": 0.95, "error": 0.01, "false_certainty": 0.05, "repeats": 300}
    ordered = {"worst_rank": 7.0, "worst_rank_error": 0.1, "tau": 0.75, "tau_error": 0.01}
    names = [*simulation.COVERED, *simulation.ORDERED]
    figures: dict[str, Result] = {name: good | ordered for name in names}
    assert {line.rpartition(": ")[2] for line in bounds(figures)} == {"met"}
    figures["10 people x 20 ballots"] = good | {"coverage": 0.91}
    figures["40 people x 5 ballots"] = good | {"coverage": 0.89, "false_certainty": 0.1}
    states = [line.rpartition(": ")[2] for line in bounds(figures)]
    assert states.count("BROKEN") == 2 and states.count("met within two standard errors") == 1


def test_ballots_are_simulated_as_the_site_draws_them() -> None:
    drawn = (simulation.CORE, simulation.CORE_SHARE, simulation.SITE_QUERIES)
    assert drawn == (ballots.CORE, ballots.CORE_SHARE, ballots.QUERIES) and SITE.columns == ballots.COLUMNS
