"""Statistics of blind ratings, simulated with known truth: coverage, false certainty, ranks, and the time they take.

Ratings of 1 to 5 are rounded sums of a model's level, a person's (sd 0.6), a query's (0.7), query x model (0.6),
person x model (0.2) and noise (0.8). People and queries are new in each repeat, so intervals must cover both.
"""

import time
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from statistics import NormalDist, fmean, stdev
from typing import Any

import numpy as np

from benchmarks.measuring import Result, parser, report
from ratings.services.audit_drift import drift_of_difference, drift_of_level
from ratings.services.audit_removals import smallest_removal
from ratings.services.audit_sampling import sampling
from ratings.services.centred_means import centred_means
from ratings.services.column_selection import Standing, completed_columns, contests_between
from ratings.services.metric_agreement import Predictor, metric_agreement
from ratings.services.people_figures import PairAgreement
from ratings.services.people_statistics import agreement_of, computed, figures_of, people_agree_of
from ratings.services.rater_agreement import krippendorff_alpha
from ratings.services.rating_statistics import Floats, Ints, Ratings, kendall_tau_b
from ratings.services.repeat_agreement import compared
from ratings.services.win_rates import win_rates

PERSON, QUERY, QUERY_MODEL, PERSON_MODEL, NOISE = 0.6, 0.7, 0.6, 0.2, 0.8
LEVEL = 3.0
CERTAIN = 0.975
CORE, CORE_SHARE, SITE_QUERIES = 10, 0.25, 150  # as `ratings.services.ballots` has them
WITHHELD = "withheld"
RANDOM, HALF, CLOSEST = "random", "half", "closest"
REPEATS, QUICK_REPEATS = 300, 3

Random = np.random.Generator


@dataclass(frozen=True)
class Design:
    """People, ballots of each, models, columns of a ballot, queries; gap: between the levels of neighbouring models.

    late: whether the last model joins when half of the ballots are cast, and every rating from then on is 0.8 kinder.
    core: share of the ballots on the first CORE queries. selection: of columns, RANDOM, HALF (half random, half where
    ratings help most, as on the site) or CLOSEST (the closest contests alone, as up to release 0.1.0).
    """

    people: int
    each: int
    models: int = 4
    columns: int = 4
    queries: int = 40
    gap: float = 0.0
    late: bool = False
    core: float = 0.0
    selection: str = RANDOM

    @property
    def levels(self) -> Floats:
        """The models' levels, the best first."""
        return np.asarray(LEVEL - self.gap * np.arange(self.models), dtype=np.float64)

    @property
    def truth(self) -> Floats:
        """The mean rating that every model would get from all people on all queries [M], 1 to 5."""
        spread = NormalDist(0, sum(sd**2 for sd in (PERSON, QUERY, QUERY_MODEL, PERSON_MODEL, NOISE)) ** 0.5)
        steps = (1.5, 2.5, 3.5, 4.5)  # a rating is 1 and one more for each of these that the sum passes
        return np.array([1 + sum(1 - spread.cdf(step - level) for step in steps) for level in self.levels])


def simulate(design: Design, random: Random) -> Ratings:
    """Return ballots as the site offers them: by turns, each person's unseen query with the fewest ballots."""
    person, query = random.normal(0, PERSON, design.people), random.normal(0, QUERY, design.queries)
    taste = random.normal(0, PERSON_MODEL, (design.people, design.models))
    results = random.normal(0, QUERY_MODEL, (design.queries, design.models))
    seen = np.zeros((design.people, design.queries), dtype=bool)
    people, queries = _offered(design, random, seen)
    values = np.full((len(people), design.models), np.nan)
    for at, (who, which) in enumerate(zip(people, queries, strict=True)):
        is_late = design.late and at >= len(people) // 2
        models = design.models - (design.late and not is_late)
        shown = _columns(design, models, values[:at], random)
        sums = design.levels[shown] + person[who] + query[which] + taste[who, shown] + results[which, shown]
        sums += random.normal(0, NOISE, len(shown)) + (0.8 if is_late else 0)
        values[at, shown] = np.clip(np.round(sums), 1, 5)
    return Ratings(people, queries, values)


def _columns(design: Design, models: int, before: Floats, random: Random) -> Ints:
    """Return the models of a ballot, given the ratings before it [B, M]."""
    order = random.permutation(models)
    if design.selection == RANDOM or models <= design.columns:
        return order[: design.columns]
    named = [int(model) for model in order]
    numbers = (~np.isnan(before)).sum(axis=0)
    counts = {int(model): int(numbers[model]) for model in order}
    sums, squares = np.nansum(before, axis=0), np.nansum(before**2, axis=0)
    stand = {model: Standing(count, int(sums[model]), int(squares[model])) for model, count in counts.items() if count}
    if design.selection == CLOSEST:
        contests = contests_between(named, stand)
        closest = dict.fromkeys(model for pair in sorted(contests, key=contests.__getitem__) for model in pair)
        return np.array(list(closest)[: design.columns])
    drawn = random.permutation(models)[: (design.columns + 1) // 2].tolist()
    return np.array(completed_columns(drawn, design.columns, named, counts, contests_between(named, stand)))


def _offered(design: Design, random: Random, seen: np.ndarray[Any, Any]) -> tuple[Any, Any]:
    """Return the people [B] and queries [B] of the ballots."""
    ballots = np.zeros(design.queries)
    people, queries = [], []
    for _ in range(design.each):
        for who in random.permutation(design.people):
            need = np.where(seen[who], np.inf, ballots + random.random(design.queries) / 2)
            offered = (ballots[:CORE] > 0) & ~seen[who, :CORE]
            is_core = random.random() < design.core and offered.any()
            which = int(np.where(offered, need[:CORE], np.inf).argmin() if is_core else need.argmin())
            seen[who, which] = True
            ballots[which] += 1
            people.append(who)
            queries.append(which)
    return np.array(people), np.array(queries)


def coverage(design: Design, repeats: int, seed: int) -> Result:
    """Return how often intervals of equal models cover the truth, and how often two of them look different."""
    random = np.random.default_rng(seed)
    given, covered, won, certain, apart = [], [], [], [], []
    for _ in range(repeats):
        ratings = simulate(design, random)
        figures = figures_of(ratings, centred_means(ratings), win_rates(ratings))
        known = [(figure, truth) for figure, truth in zip(figures, design.truth, strict=True) if figure.interval]
        given.append(len(known) / len(figures))
        covered += [fmean(low <= truth <= high for (low, high), truth in _ends(known))] if known else []
        rates = [(figure.win_low, figure.win_high) for figure in figures if figure.win_low is not None]
        won += [fmean(low <= 0.5 <= (high or 1) for low, high in rates)] if rates else []
        certain.append(float(_looks_certain(replace(ratings, values=ratings.values[:, :2]))))
        apart.append(float(any(figure.rank_text not in ("", f"1–{design.models}") for figure in figures)))
    return {
        "repeats": repeats,
        "intervals_given": round(fmean(given), 3),
        "coverage": _rounded(covered),
        "error": _error(covered),
        "win_rate_coverage": _rounded(won),
        "win_rate_error": _error(won),
        "false_certainty": _rounded(certain),
        "false_ranks": _rounded(apart),
    }


def _ends(known: Sequence[tuple[Any, float]]) -> list[tuple[tuple[float, float], float]]:
    return [(figure.interval, truth) for figure, truth in known]


def _looks_certain(pair: Ratings) -> bool:
    """Return whether a page would say that one of two models is rated higher in at least CERTAIN of the resamples."""
    agreement = agreement_of(np.array([0.1, 0.2]), centred_means(pair), pair.reach(np.array([0, 1])), [0, 1])
    share = agreement.certainty if isinstance(agreement, PairAgreement) else None
    return share is not None and max(share, 1 - share) >= CERTAIN


def alpha_coverage(design: Design, repeats: int, seed: int) -> Result:
    """Return how often the interval of Krippendorff's alpha covers that of very many people and queries."""
    random = np.random.default_rng(seed)
    many = replace(
        design, people=max(200, design.people), each=min(60, 3 * design.queries), queries=10 * design.queries
    )
    truth = krippendorff_alpha(simulate(many, random)).value
    covered = []
    for _ in range(repeats):
        agreement = people_agree_of(simulate(design, random))
        if agreement and agreement.alpha_low is not None and agreement.alpha_high is not None:
            covered.append(float(agreement.alpha_low <= truth <= agreement.alpha_high))
    return {"repeats": repeats, "coverage": _rounded(covered), "error": _error(covered), "truth": round(truth, 3)}


def order(design: Design, repeats: int, seed: int) -> Result:
    """Return how well people's order is the true one: tau, the right winner, and the rank of the worst model."""
    random = np.random.default_rng(seed)
    taus, winners, worst, raw = [], [], [], []
    for _ in range(repeats):
        ratings = simulate(design, random)
        means = centred_means(ratings).values
        taus.append(float(kendall_tau_b(design.levels, means[None])[0]))
        winners.append(float(means.argmax() == 0))
        worst.append(float(1 + (means > means[-1]).sum()))
        plain = np.nanmean(ratings.values, axis=0)
        raw.append(float(1 + (plain > plain[-1]).sum()))
    return {
        "repeats": repeats,
        "tau": _rounded(taus),
        "tau_error": _error(taus),
        "right_winner": _rounded(winners),
        "worst_rank": _rounded(worst),
        "worst_rank_error": _error(worst),
        "worst_rank_of_raw_means": _rounded(raw),
    }


def repeats_of(design: Design, kind: str, ballots: int, random: Random) -> list[list[tuple[int, int]]]:
    """Return the first and second rating of each column of ballots that people rate twice, shuffled in between.

    kind: "honest", who rate as `simulate` has it, with noise of its own each time; "random", who click at random;
    "left", who rate the columns 5, 4, 3, 2 from the left; "three", who always rate 3.
    """
    repeated = []
    for _ in range(ballots):
        shown = random.permutation(design.models)[: design.columns]
        sums = design.levels[shown] + random.normal(0, PERSON) + random.normal(0, QUERY)
        sums += random.normal(0, PERSON_MODEL, len(shown)) + random.normal(0, QUERY_MODEL, len(shown))
        first, second = (_rated_once(kind, sums, random) for _ in range(2))
        repeated.append(list(zip(first, second, strict=True)))
    return repeated


def _rated_once(kind: str, sums: Floats, random: Random) -> list[int]:
    """Return the ratings of a ballot's columns, in a new order each time."""
    rated = {
        "honest": np.clip(np.round(sums + random.normal(0, NOISE, len(sums))), 1, 5),
        "random": random.integers(1, 6, len(sums)),
        "left": 5 - random.permutation(len(sums)),
        "three": np.full(len(sums), 3),
    }
    return [int(value) for value in rated[kind]]


def consistency(design: Design, kind: str, repeats: int, seed: int) -> Result:
    """Return what the hidden repeats of such raters show, one repeat of the simulation a repeated ballot."""
    found = compared(repeats_of(design, kind, max(20, repeats), np.random.default_rng(seed)), design.people)
    figures = {name: round(getattr(found, name), 3) for name in ("equal", "within_one", "equal_chance")}
    return {**figures, "alpha": "undefined" if found.alpha is None else round(found.alpha, 3)}


def duration(ballots: int, models: int) -> Result:
    """Return the seconds of one core that a page's statistics of so many ballots take."""
    random = np.random.default_rng(0)
    values = np.full((ballots, models), np.nan)
    for row in values:
        row[random.permutation(models)[:4]] = random.integers(1, 6, 4)
    queries = random.integers(0, 200, ballots)
    ratings = Ratings(random.integers(0, max(2, ballots // 50), ballots), queries, values)
    scores = {str(at): Predictor("", "", True, random.integers(0, 5, values.shape).astype(float)) for at in range(12)}
    return {
        "cpu_seconds": _seconds(lambda: computed(ratings, dict(enumerate(range(models))))),
        "cpu_seconds_of_metrics": _seconds(lambda: metric_agreement(ratings, scores, np.ones(ballots, dtype=bool))),
        "cpu_seconds_of_audit": _seconds(lambda: _audited(ratings)),
    }


def _audited(ratings: Ratings) -> None:
    """Compute what an audit has beside the leaderboard's statistics."""
    means = centred_means(ratings).values
    smallest_removal(ratings, means)
    drift_of_level(ratings, means)
    drift_of_difference(ratings, 0, 1)
    sampling(~np.isnan(ratings.values), np.full(ratings.values.shape, 0.5))


def _seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return round(time.process_time() - started, 2)


def _rounded(values: Sequence[float]) -> float | str:
    return round(fmean(values), 3) if values else WITHHELD


def _error(values: Sequence[float]) -> float | str:
    """Return the standard error of the mean over repeats."""
    return round(stdev(values) / len(values) ** 0.5, 3) if len(values) > 1 else WITHHELD


EIGHT = Design(people=20, each=5, models=8, columns=4, gap=0.1)
SITE = replace(EIGHT, queries=SITE_QUERIES, core=CORE_SHARE, selection=HALF)
"""Ballots as the site draws them since it has a core and random columns."""

LATE, ON_SITE = "the same, the worst joins late", "8 models as the site draws them"

RATERS = ("honest", "random", "left", "three")

COVERED: dict[str, Design] = (
    {
        f"{people} people x {each} ballots": Design(people, each)
        for people, each in ((4, 20), (5, 20), (10, 4), (10, 20), (40, 5), (40, 20), (150, 5))
    }
    | {"20 people x 20, 4 of 8 models": Design(20, 20, models=8)}
    | {"20 people x 20, as the site draws them": replace(SITE, each=20, gap=0.0)}
)
ALPHA: dict[str, Design] = {
    f"alpha, {people} people x {each} ballots": Design(people, each) for people, each in ((5, 20), (10, 20), (40, 20))
}
ORDERED: dict[str, Design] = {
    f"{name}, {20 * each} ballots": replace(design, each=each)
    for name, design in (
        ("8 models", EIGHT),
        ("the worst of 8 joins late", replace(EIGHT, late=True)),
        ("8 models, closest contests alone", replace(EIGHT, selection=CLOSEST)),
        (ON_SITE, SITE),
        (LATE, replace(SITE, late=True)),
    )
    for each in (5, 10, 40)
}


COVERAGE, FALSE_CERTAINTY, WORST_RANK, TAU = (0.92, 0.99), 0.06, 6.0, 0.7
"""What the statistics promise: from COVERED_FROM people on; ranks and tau as the site draws ballots."""

COVERED_FROM, TAU_BALLOTS = 10, 200


def bounds(figures: Mapping[str, Result]) -> list[str]:
    """Return a line for each promise and scenario: met, met within two standard errors of the repeats, or broken."""
    lines = []
    for name, design in COVERED.items():
        one = figures[name]
        if design.people >= COVERED_FROM:
            lines.append(_bound(f"coverage, {name}", one["coverage"], one["error"], *COVERAGE))
        error = sqrt(FALSE_CERTAINTY * (1 - FALSE_CERTAINTY) / one["repeats"])
        lines.append(_bound(f"false certainty, {name}", one["false_certainty"], error, 0, FALSE_CERTAINTY))
    for name, one in figures.items():
        if name.startswith(LATE):
            rank = one["worst_rank"], one["worst_rank_error"]
            lines.append(_bound(f"rank of the worst, {name}", *rank, WORST_RANK, np.inf))
    one = figures[f"{ON_SITE}, {TAU_BALLOTS} ballots"]
    lines.append(_bound(f"tau, {ON_SITE}, {TAU_BALLOTS} ballots", one["tau"], one["tau_error"], TAU, 1))
    return lines


def _bound(name: str, value: float, error: float | str, low: float, high: float) -> str:
    """Return whether a figure is from low to high. error: its standard error; a text if one repeat has none."""
    margin = 2 * error if isinstance(error, float) else 0
    is_met, is_near = low <= value <= high, low - margin <= value <= high + margin
    state = "met" if is_met else "met within two standard errors" if is_near else "BROKEN"
    limits = f"at least {low:g}" if high == np.inf else f"at most {high:g}" if low == 0 else f"{low:g} to {high:g}"
    return f"bound: {name}: {value:g}, {limits}: {state}"


def scenarios(repeats: int, seed: int, *, quick: bool) -> dict[str, Callable[[], Result]]:
    """Return what is measured, by name."""
    ballots, models = (500, 6) if quick else (10_000, 24)
    return {
        **{name: lambda one=one: coverage(one, repeats, seed) for name, one in COVERED.items()},  # type: ignore[misc]
        **{name: lambda one=one: alpha_coverage(one, repeats, seed) for name, one in ALPHA.items()},  # type: ignore[misc]
        **{name: lambda one=one: order(one, repeats, seed) for name, one in ORDERED.items()},  # type: ignore[misc]
        **{f"repeats, {kind}": lambda kind=kind: consistency(EIGHT, kind, repeats, seed) for kind in RATERS},  # type: ignore[misc]
        "a page of many ballots": lambda: duration(ballots, models),
    }


def simulation_arguments(about: str | None, usual: int, quick: int) -> tuple[Namespace, int]:
    """Return what the command line of a simulation says, and how often it is repeated."""
    options = parser(about)
    options.set_defaults(repeats=usual)
    options.add_argument("--seed", type=int, default=0, help="seed of the simulation (default: 0)")
    arguments = options.parse_args()
    return arguments, min(arguments.repeats, quick) if arguments.quick else arguments.repeats


def main() -> None:
    """Measure every scenario and print the figures."""
    arguments, repeats = simulation_arguments(__doc__, REPEATS, QUICK_REPEATS)
    figures = {name: run() for name, run in scenarios(repeats, arguments.seed, quick=arguments.quick).items()}
    notes = [
        "coverage: of a mean's 95 % interval, two-way bootstrap over people and queries; error: over repeats",
        "false_certainty: two equal models, certainty at least .975; false_ranks: any of equal models' ranks narrowed",
    ]
    notes += [] if arguments.quick else bounds(figures)
    report(figures, notes, as_json=arguments.json)


if __name__ == "__main__":
    main()
