"""Measures of each model against people's marks: nDCG@8, Judged@8 and bpref."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.core.cache import cache

from accounts.roles import Visitor
from mlcore.evaluation.judged_metrics import RELEVANT, MeanJudgedMetrics, mean_judged_metrics
from ratings.services.ballots import RESULTS
from ratings.services.judgements import judgements_of
from ratings.services.leaderboard_people import FORM, KEEP_SECONDS
from ratings.services.people_figures import no_interval_text
from ratings.services.rating_statistics import FEW_QUERIES
from retrieval.models import Dataset

NO_MARKS = "no_marks"
"""Why a data set has no rows."""


@dataclass(frozen=True)
class JudgedRow:
    """A model measured against the grades, each value 0 to 1, the mean over its judged queries.

    low, high: 95 % interval of ndcg over queries; None below FEWEST_QUERIES. judged: share of its first RESULTS results
    that have a grade.
    """

    model: int
    name: str
    color: int
    ndcg: float
    low: float | None
    high: float | None
    judged: float
    bpref: float
    queries: int

    @property
    def no_interval(self) -> str:
        """Why ndcg has no interval, a code of `people_figures.NO_INTERVAL`; empty if it has."""
        return FEW_QUERIES if self.low is None else ""

    @property
    def no_interval_text(self) -> str:
        return no_interval_text(self.no_interval, 0, self.queries)


@dataclass(frozen=True)
class JudgedTable:
    """The rows of a data set, the highest nDCG first, and what they are of.

    queries, judgements: with a grade, pairs of query and picture with one. irrelevant_queries: those without a relevant
    picture among them, which count 0. no_rows: why there is no row, NO_MARKS; empty if there is.
    """

    dataset: Dataset
    rows: Sequence[JudgedRow]
    queries: int
    irrelevant_queries: int
    judgements: int
    marks: int
    people: int

    @property
    def no_rows(self) -> str:
        return "" if self.rows else NO_MARKS

    @property
    def same_queries(self) -> bool:
        """Whether all rows are measured on the same number of queries; else their means are of different ones."""
        return len({row.queries for row in self.rows}) <= 1


def judged_table(user: Visitor, dataset: Dataset) -> JudgedTable:
    """Return how the models that this person may see stand against all marks, each on the judged queries of its run."""
    judgements = judgements_of(user, dataset, judged_only=True)
    listed = [model for model in judgements.runs if model.archived_at is None] if judgements.grades else []
    means = _means(judgements.grades, {model.pk: judgements.runs[model] for model in listed})
    rows = [
        JudgedRow(model=model.pk, name=model.name, color=model.color, **of_model)
        for model in listed
        for of_model in [means[model.pk]]
        if of_model is not None
    ]
    grades = judgements.grades.values()
    return JudgedTable(
        dataset=dataset,
        rows=sorted(rows, key=lambda row: (-row.ndcg, row.name)),
        queries=len(judgements.grades),
        irrelevant_queries=sum(max(of_query.values()) < RELEVANT for of_query in grades),
        judgements=sum(map(len, grades)),
        marks=judgements.marks,
        people=judgements.people,
    )


def _means(
    grades: Mapping[int, Mapping[int, int]], runs: Mapping[int, Mapping[int, Sequence[int]]]
) -> dict[int, MeanJudgedMetrics | None]:
    """Return the means of each run, by its model's key, cached for the same grades and runs."""
    digest = hashlib.sha256(repr((grades, runs)).encode()).hexdigest()

    def compute() -> dict[int, MeanJudgedMetrics | None]:
        return {model: mean_judged_metrics(grades, run, RESULTS) for model, run in runs.items()}

    means: dict[int, MeanJudgedMetrics | None] = cache.get_or_set(  # type: ignore[assignment]  # what is set is what comes
        f"judged-metrics:{FORM}:{digest}", compute, KEEP_SECONDS
    )
    return means
