"""Ranks of the leaderboard: which rows a paired test tells apart. A job computes the test, a request only reads it.

Any test that fills `TestedTable` fits: pages, files and the API read ranks and intervals from it alone.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NotRequired, TypedDict

import numpy as np

from jobs import services as jobs
from jobs.context import JobContext
from jobs.models import Job
from mlcore.comparison.row_intervals import row_intervals
from mlcore.comparison.significance import BETTER, METHOD, OPPOSITE, UNCLEAR, WORSE, compare_rows
from mlcore.comparison.significance import FEWEST_SEEDS as FEWEST_SEEDS  # views know services alone
from mlcore.errors import MlcoreError
from mlcore.evaluation.evaluate import PER_QUERY, StoredScores, read_per_query
from mlcore.evaluation.metric_table import HEADLINE, Place, shown_at
from ratings.services.leaderboard_rows import LeaderboardRow, MeanFigure, is_fixed
from retrieval.models import Model

KIND = "leaderboard"
ONE_SEED = "one seed"
RUNNING = "the test is running"
FAILED = "the test failed"
NO_SCORES = "no scores of single queries"
OTHER_QUERIES = "other queries"
ALONE = "nothing to test against"

Members = dict[str, dict[str, list[int]]]
"""Models by row and seed; the keys are text, as JSON has them."""


class TestedTable(TypedDict):
    """What the job stores. pairs: [first row, second row, conclusion on the first]; intervals: by metric and row.

    may_be_best: by row; null where it was not tested. Tables of before have none: there it follows from the pairs.
    """

    pairs: list[tuple[str, str, str]]
    may_be_best: NotRequired[dict[str, bool | None]]
    intervals: dict[str, dict[str, tuple[float, float]]]
    not_tested: dict[str, str]


@dataclass(frozen=True)
class RankTest:
    """The state of a table's test: "" (nothing to test), running, failed or done."""

    state: str
    tested: int = 0


def ranked(rows: Sequence[LeaderboardRow]) -> tuple[list[LeaderboardRow], RankTest]:
    """Return the rows of one table, best headline first, with ranks and the intervals of several seeds.

    Queues the job of the test where none has computed it.
    """
    ordered = [replace(row, rank=place) for place, row in enumerate(sorted(rows, key=_order), 1)]
    members = _members(ordered)
    if len(members) < 2:
        return [replace(row, not_tested=_why_not(row, members, "")) for row in ordered], RankTest("")
    job = _job_of(members)
    if job.state != Job.State.SUCCEEDED or not job.result:
        state = "running" if job.is_active else "failed"
        why = RUNNING if job.is_active else FAILED
        return [replace(row, not_tested=_why_not(row, members, why)) for row in ordered], RankTest(state)
    table: TestedTable = job.result
    tested = [_tested(row, ordered, members, table) for row in ordered]
    return tested, RankTest("done", sum(row.rank_low is not None for row in tested))


def _order(row: LeaderboardRow) -> tuple[float, str]:
    return -row.headline, row.name


def _members(rows: Sequence[LeaderboardRow]) -> Members:
    """Return the models that can be tested; one that no seed changes has seed 0 alone, whatever those of the others."""
    fixed = [row for row in rows if row.is_fixed]
    trained = [row for row in rows if not row.is_fixed and row.seed_count >= FEWEST_SEEDS]
    if not trained and any(not row.is_fixed for row in rows):
        return {}
    members: Members = {str(row.model.pk): {"0": [row.model.pk]} for row in fixed}
    for row in trained:
        by_seed = members.setdefault(str(row.model.pk), {})
        for one in row.seeds:
            by_seed.setdefault(str(one.seed), []).append(one.model.pk)
    return members


def _why_not(row: LeaderboardRow, members: Members, why: str) -> str:
    if str(row.model.pk) in members:
        return why or ALONE
    return ONE_SEED if not row.is_fixed else ALONE


def _tested(
    row: LeaderboardRow, rows: Sequence[LeaderboardRow], members: Members, table: TestedTable
) -> LeaderboardRow:
    """Return a row with the ranks that the test leaves open: rows that it cannot place may be above or below."""
    key = str(row.model.pk)
    figures = [_with_interval(figure, table["intervals"].get(figure.name, {}).get(key)) for figure in row.figures]
    row = replace(row, figures=figures)
    why = table["not_tested"].get(key, "") if key in members else _why_not(row, members, "")
    if why:
        return replace(row, not_tested=why)
    conclusions = _conclusions(key, table)
    best = str(rows[0].model.pk)
    knows_best = best in members and best not in table["not_tested"]
    return replace(
        row,
        rank_low=1 + sum(conclusion == WORSE for conclusion in conclusions.values()),
        rank_high=len(rows) - sum(conclusion == BETTER for conclusion in conclusions.values()),
        level_with_best=_level_with(best, key, conclusions, table) if knows_best else None,
    )


def _level_with(best: str, key: str, conclusions: Mapping[str, str], table: TestedTable) -> bool:
    if key == best:
        return True
    if "may_be_best" in table:
        return table["may_be_best"].get(key) is True
    return conclusions.get(best, UNCLEAR) == UNCLEAR


def _conclusions(key: str, table: TestedTable) -> dict[str, str]:
    """Return what the test concludes on a row against each other row."""
    own = {second: conclusion for first, second, conclusion in table["pairs"] if first == key}
    return own | {first: OPPOSITE[conclusion] for first, second, conclusion in table["pairs"] if second == key}


def _with_interval(figure: MeanFigure, interval: tuple[float, float] | None) -> MeanFigure:
    """Return a figure with the interval over classes, queries and seeds; one model keeps its own."""
    if interval is None or figure.low is not None:
        return figure
    return replace(figure, low=interval[0], high=interval[1])


# --- the job


def _job_of(members: Members) -> Job:
    """Return the newest job that tests these models, or queue one; a failed one is not tried again by itself."""
    weights = Model.objects.filter(pk__in=_models_in(members)).order_by("pk").values_list("pk", "weights_sha256")
    named = [members, metrics(), list(weights), METHOD]
    key = f"{KIND}:{hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()[:40]}"
    return Job.objects.filter(kind=KIND, key=key).first() or jobs.submit(KIND, {"members": members}, key=key)


def _models_in(members: Members) -> set[int]:
    return {pk for by_seed in members.values() for keys in by_seed.values() for pk in keys}


def metrics() -> list[str]:
    """Return the metrics of the leaderboard that have a value for each query, the headline first."""
    return sorted(shown_at(Place.LEADERBOARD), key=lambda name: name != HEADLINE)


def run_ranks_job(context: JobContext, members: Members) -> TestedTable:
    """Test every two rows by the headline metric, and compute the intervals of their means. Safe to run again."""
    models = Model.objects.in_bulk(_models_in(members))
    scores: dict[str, dict[int, StoredScores]] = {}
    not_tested: dict[str, str] = {}
    for row, by_seed in members.items():
        try:
            scores[row] = {int(seed): _mean_scores(models, keys) for seed, keys in by_seed.items()}
        except (MlcoreError, KeyError):  # never written, damaged, or deleted since
            not_tested[row] = NO_SCORES
    kept = _same_queries(scores)
    not_tested |= dict.fromkeys(scores.keys() - kept.keys(), OTHER_QUERIES)
    if len(kept) < 2:
        return {"pairs": [], "intervals": {}, "not_tested": not_tested | dict.fromkeys(kept, ALONE)}
    labels = next(iter(next(iter(kept.values())).values())).labels
    fixed = [row for row in kept if is_fixed(models[next(iter(members[row].values()))[0]])]
    pairs: list[tuple[str, str, str]] = []
    may_be_best: dict[str, bool | None] = {}
    intervals: dict[str, dict[str, tuple[float, float]]] = {}
    for step, metric in enumerate(metrics()):
        context.progress("test differences", step, len(metrics()))
        if not all(metric in one.columns for units in kept.values() for one in units.values()):
            continue
        values = {row: {seed: one.columns[metric] for seed, one in units.items()} for row, units in kept.items()}
        intervals[metric] = row_intervals(labels, values)
        if metric == HEADLINE:
            tests = compare_rows(labels, values, fixed=fixed)
            pairs = [(pair.first, pair.second, pair.conclusion) for pair in tests.pairs]
            may_be_best = tests.may_be_best
    return {"pairs": pairs, "may_be_best": may_be_best, "intervals": intervals, "not_tested": not_tested}


def _mean_scores(models: Mapping[int, Model], keys: Sequence[int]) -> StoredScores:
    """Return the mean of what the models of one seed earned for each query; several are its folds."""
    parts = [read_per_query(models[key].folder_with(PER_QUERY)) for key in keys]
    first = parts[0]
    if any(not np.array_equal(one.ids, first.ids) for one in parts):
        raise KeyError("the folds were measured on different queries")
    shared = set.intersection(*(set(one.columns) for one in parts))
    columns = {name: np.mean([one.columns[name] for one in parts], axis=0) for name in sorted(shared)}
    return StoredScores(first.ids, first.labels, columns)


def _same_queries(scores: Mapping[str, Mapping[int, StoredScores]]) -> dict[str, Mapping[int, StoredScores]]:
    """Return the rows that were measured on the same queries, the largest such group."""
    groups: dict[tuple[bytes, ...], dict[str, Mapping[int, StoredScores]]] = {}
    for row, units in scores.items():
        queries = tuple(sorted({one.ids.tobytes() for one in units.values()}))
        groups.setdefault(queries, {})[row] = units
    same = {queries: rows for queries, rows in groups.items() if len(queries) == 1}
    return max(same.values(), key=len, default={})
