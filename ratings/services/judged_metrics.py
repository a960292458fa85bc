"""Measures of each model against people's marks: nDCG@8, Judged@8 and bpref, by ir-measures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist, fmean, stdev

from accounts.roles import Visitor
from ratings.services.ballots import RESULTS
from ratings.services.judgements import RELEVANT, Judgements, judgements_of
from ratings.services.people_figures import no_interval_text
from ratings.services.rating_statistics import FEW_QUERIES, FEWEST_QUERIES
from retrieval.models import Dataset, Model

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
    rows = [row for model in listed for row in [_row(model, judgements)] if row is not None]
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


def _row(model: Model, judgements: Judgements) -> JudgedRow | None:
    run = {query: images for query, images in judgements.runs[model].items() if query in judgements.grades}
    if not run:
        return None
    values = measured({query: judgements.grades[query] for query in run}, run)
    low, high = mean_interval(values["ndcg"]) or (None, None)
    means = {name: round(fmean(of_queries), 9) for name, of_queries in values.items()}
    return JudgedRow(model=model.pk, name=model.name, color=model.color, low=low, high=high, queries=len(run), **means)


def measured(
    grades: Mapping[int, Mapping[int, int]], run: Mapping[int, Sequence[int]]
) -> dict[str, list[float]]:  # fmt: skip
    """Return ndcg, judged and bpref of each query of the run, 0 to 1. grades: of the same queries, by picture.

    nDCG as trec_eval has it: the gain is the grade, the discount log2(rank + 1), the ideal order that of all graded
    pictures; a picture without a grade gains nothing (Jaervelin and Kekaelaeinen, 2002). bpref (Buckley and Voorhees,
    2004) leaves pictures without a grade out; relevant is RELEVANT and above, and a graded picture that the run lacks
    was not found. A query without a relevant picture has 0 of both, a run without results 0 of all.
    """
    import ir_measures  # loads scipy, which the site starts without

    measures = {
        "ndcg": ir_measures.nDCG @ RESULTS,
        "judged": ir_measures.Judged @ RESULTS,
        "bpref": ir_measures.Bpref(rel=int(RELEVANT)),
    }
    qrels = [
        ir_measures.Qrel(str(query), str(image), grade)
        for query, of_query in grades.items()
        for image, grade in of_query.items()
    ]
    scored = [
        ir_measures.ScoredDoc(str(query), str(image), float(RESULTS - place))
        for query, images in run.items()
        for place, image in enumerate(images)
    ]
    found = {(one.measure, one.query_id): one.value for one in ir_measures.iter_calc(measures.values(), qrels, scored)}
    return {name: [float(found.get((measure, str(query)), 0)) for query in run] for name, measure in measures.items()}


def mean_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Return the 95 % interval of a mean over queries, within 0 and 1; None of fewer than FEWEST_QUERIES.

    mean -+ t * sd / sqrt(n), which covers other queries and not other people. t is Student's quantile by the first
    terms of its expansion about the normal one (Abramowitz and Stegun 26.7.5), exact to 0.004 from 9 degrees on.
    """
    if len(values) < FEWEST_QUERIES:
        return None
    freedom = len(values) - 1
    z = NormalDist().inv_cdf(0.975)
    t = z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
    half = t * stdev(values) / sqrt(len(values))
    mean = fmean(values)
    return round(max(0.0, mean - half), 9), round(min(1.0, mean + half), 9)
