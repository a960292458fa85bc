"""nDCG, Judged and bpref of result lists against graded judgements, by ir-measures."""

from collections.abc import Hashable, Mapping, Sequence
from statistics import fmean
from typing import TypedDict, TypeVar

import numpy as np

from mlcore.evaluation.intervals import class_intervals

DEPTH = 8
"""Results of a query that nDCG and Judged look at."""

RELEVANT = 1
"""From this grade on a result is relevant, where a measure knows only yes and no."""

FEWEST_QUERIES = 10
"""Below these the spread of the values says next to nothing of other queries, so there is no interval."""

Key = TypeVar("Key", bound=Hashable)


class MeanJudgedMetrics(TypedDict):
    """Means over so many judged queries, 0 to 1. low, high: 95 % interval of ndcg, None below FEWEST_QUERIES."""

    ndcg: float
    low: float | None
    high: float | None
    judged: float
    bpref: float
    queries: int


def mean_judged_metrics(
    grades: Mapping[Key, Mapping[Key, int]], run: Mapping[Key, Sequence[Key]], depth: int = DEPTH
) -> MeanJudgedMetrics | None:
    """Return the means of `judged_metrics` over the judged queries of the run, with 9 digits; None if it has none."""
    judged = {query: results for query, results in run.items() if query in grades}
    if not judged:
        return None
    values = judged_metrics({query: grades[query] for query in judged}, judged, depth)
    ndcg, share, bpref = (round(fmean(values[name]), 9) for name in ("ndcg", "judged", "bpref"))
    low, high = query_interval(values["ndcg"]) or (None, None)
    return {"ndcg": ndcg, "low": low, "high": high, "judged": share, "bpref": bpref, "queries": len(judged)}


def judged_metrics(
    grades: Mapping[Key, Mapping[Key, int]], run: Mapping[Key, Sequence[Key]], depth: int = DEPTH
) -> dict[str, list[float]]:
    """Return ndcg, judged and bpref of each query of the run, in its order, 0 to 1.

    grades: 0 and above, of the run's queries, by result. run: results by query, best first.

    nDCG as trec_eval has it: the gain is the grade, the discount log2(rank + 1), the ideal order that of all graded
    results; a result without a grade gains nothing (Jaervelin and Kekaelaeinen, 2002). judged: the share of the first
    results that have a grade. bpref (Buckley and Voorhees, 2004) leaves results without a grade out; a graded result
    that the run lacks was not found. A query without a relevant result has 0 of nDCG and bpref, one without results 0
    of all.
    """
    import ir_measures  # loads scipy, which the site starts without

    measures = {
        "ndcg": ir_measures.nDCG @ depth,
        "judged": ir_measures.Judged @ depth,
        "bpref": ir_measures.Bpref(rel=RELEVANT),
    }
    qrels = [
        ir_measures.Qrel(str(query), str(result), grade)
        for query, of_query in grades.items()
        for result, grade in of_query.items()
    ]
    scored = [
        ir_measures.ScoredDoc(str(query), str(result), float(-place))  # readers sort by score
        for query, results in run.items()
        for place, result in enumerate(results)
    ]
    found = {(one.measure, one.query_id): one.value for one in ir_measures.iter_calc(measures.values(), qrels, scored)}
    return {name: [float(found.get((measure, str(query)), 0)) for query in run] for name, measure in measures.items()}


def query_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Return the 95 % interval of the mean of shares over queries; None of fewer than FEWEST_QUERIES.

    Every query is a class of its own in `class_intervals`: Student's t on the logit scale. It covers other queries,
    not other people's judgements.
    """
    if len(values) < FEWEST_QUERIES:
        return None
    low, high = class_intervals({"mean": np.array(values, dtype=np.float64)}, np.arange(len(values)))["mean"]
    return round(low, 9), round(high, 9)
