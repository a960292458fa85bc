"""How often the leaderboard decides a pair of models wrongly, if it looks at the ratings again and again.

Each pair stops at its first decision. Ratings are simulated with known truth, as in `benchmarks.ratings`.
"""

from collections.abc import Callable
from dataclasses import replace
from math import sqrt
from statistics import fmean

import numpy as np

from benchmarks.measuring import Result, report
from benchmarks.ratings import SITE, Design, simulate, simulation_arguments
from ratings.services.centred_means import centred_means
from ratings.services.enough_votes import EQUIVALENT, EVERY_BALLOT, OPEN, SEPARATED, EnoughVotes, state_of
from ratings.services.people_statistics import enough_of, figures_of
from ratings.services.rating_statistics import Ratings

FIRST_LOOK, LOOK = 40, 20
"""Ballots at the first look, and between two looks."""

REPEATS, QUICK_REPEATS = 100, 2

EQUAL = replace(SITE, gap=0.0, each=40)
DESIGNS: dict[str, Design] = {
    "2 equal models, 800 ballots": replace(EQUAL, models=2, columns=2),
    "4 equal models, 800 ballots": replace(EQUAL, models=4),
}

Pair = frozenset[int]


def stopping(design: Design, repeats: int, seed: int) -> Result:
    """Return in what share of the repeats any pair's first decision is wrong.

    Wrong: a difference of equal models, the wrong order, or equivalence of models that differ by more than
    EQUIVALENT. one_look: the same with intervals that hold for one look, which are narrower by EVERY_BALLOT.
    """
    random = np.random.default_rng(seed)
    wrong: dict[str, list[float]] = {"wrong": [], "wrong_of_one_look": []}
    for _ in range(repeats):
        ratings = simulate(design, random)
        first: dict[str, dict[Pair, bool]] = {name: {} for name in wrong}
        for ballots in range(FIRST_LOOK, len(ratings.people) + 1, LOOK):
            enough = _looked_at(ratings, ballots)
            for name, factor in (("wrong", 1.0), ("wrong_of_one_look", EVERY_BALLOT)):
                first[name] = _decided(design, enough, factor) | first[name]
        for name, decisions in first.items():
            wrong[name].append(float(any(decisions.values())))
    shares = {name: fmean(values) for name, values in wrong.items()}
    errors = {f"{name}_error": sqrt(share * (1 - share) / repeats) for name, share in shares.items()}
    return {"repeats": repeats, **{name: round(value, 3) for name, value in (shares | errors).items()}}


def _looked_at(ratings: Ratings, ballots: int) -> EnoughVotes:
    """Return what the first ballots decide."""
    seen = Ratings(ratings.people[:ballots], ratings.queries[:ballots], ratings.values[:ballots])
    means = centred_means(seen)
    return enough_of(seen, means, figures_of(seen, means, means), range(seen.values.shape[1]))


def _decided(design: Design, enough: EnoughVotes, factor: float) -> dict[Pair, bool]:
    """Return of each pair that is decided, with intervals narrower by a factor, whether it is wrong."""
    found: dict[Pair, bool] = {}
    best = enough.best
    if best is None:
        return found
    for one in enough.decisions:
        gap = design.truth[best] - design.truth[one.model]
        state = state_of(one.difference, one.half_width / factor)
        if state != OPEN:
            found[frozenset({best, one.model})] = gap <= 0 if state == SEPARATED else abs(gap) > EQUIVALENT
    return found


def main() -> None:
    """Measure every design and print the figures."""
    arguments, repeats = simulation_arguments(__doc__, REPEATS, QUICK_REPEATS)
    runs: dict[str, Callable[[], Result]] = {
        name: lambda one=one: stopping(one, repeats, arguments.seed)  # type: ignore[misc]
        for name, one in DESIGNS.items()
    }
    notes = [f"a look after every {LOOK} ballots, from {FIRST_LOOK} on; wrong: of repeats with any wrong decision"]
    report({name: run() for name, run in runs.items()}, notes, as_json=arguments.json)


if __name__ == "__main__":
    main()
