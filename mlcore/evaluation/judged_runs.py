"""Runs measured against qrels: means over the judged queries, and what the files do not share."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypedDict

from mlcore.errors import MetricsError, shortened
from mlcore.evaluation.judged_metrics import DEPTH, FEWEST_QUERIES, RELEVANT, MeanJudgedMetrics, mean_judged_metrics
from mlcore.evaluation.trec_files import Qrels, Run, read_qrels, read_run


class JudgedRun(MeanJudgedMetrics):
    """A run's means over the judged queries that it has.

    unjudged_queries: how many others it has; missing_queries: how many judged ones it lacks.
    """

    name: str
    unjudged_queries: int
    missing_queries: int


class JudgedRuns(TypedDict):
    """Runs against qrels, the highest nDCG first. queries, judgements: of the qrels; irrelevant_queries: those of them
    without a relevant result. unknown_queries, unknown_results: ids in the qrels that are in no run.
    """

    depth: int
    queries: int
    judgements: int
    irrelevant_queries: int
    unknown_queries: int
    unknown_results: int
    runs: list[JudgedRun]
    notes: list[str]


def judged_runs(qrels_file: Path, run_files: Sequence[Path]) -> JudgedRuns:
    """Return the measures of run files against a qrels file.

    Raises:
        MetricsError: a line is malformed, a run shares no query with the qrels, or no run has a judged result.
        OSError: a file cannot be opened.
    """
    qrels = read_qrels(qrels_file)
    runs = {path: read_run(path) for path in run_files}
    rows = [_measured(qrels_file, qrels, path, runs[path], name) for path, name in _names(run_files).items()]
    returned = {result for run in runs.values() for results in run.values() for result in results}
    results = {result for of_query in qrels.values() for result in of_query}
    if not results & returned:
        raise MetricsError(
            f"no run has a result that {qrels_file} judges, such as {shortened(min(results))}; "
            "give qrels and runs of one data set"
        )
    found: JudgedRuns = {
        "depth": DEPTH,
        "queries": len(qrels),
        "judgements": sum(map(len, qrels.values())),
        "irrelevant_queries": sum(max(of_query.values()) < RELEVANT for of_query in qrels.values()),
        "unknown_queries": len(qrels.keys() - {query for run in runs.values() for query in run}),
        "unknown_results": len(results - returned),
        "runs": sorted(rows, key=lambda row: (-row["ndcg"], row["name"])),
        "notes": [],
    }
    same = len({frozenset(run.keys() & qrels.keys()) for run in runs.values()}) == 1
    return {**found, "notes": list(_notes(found, same_queries=same))}


def _names(paths: Sequence[Path]) -> dict[Path, str]:
    """Return the name of each run: that of its file without the suffix, or its path where two are called the same."""
    stems = {path: path.stem for path in paths}
    return stems if len(set(stems.values())) == len(stems) else {path: str(path) for path in paths}


def _measured(qrels_file: Path, qrels: Qrels, path: Path, run: Run, name: str) -> JudgedRun:
    means = mean_judged_metrics(qrels, run)
    if means is None:
        has = f"the run has {shortened(next(iter(run)))}" if run else "the run is empty"
        raise MetricsError(
            f"{path} and {qrels_file} have no query in common: {has}, the qrels {shortened(next(iter(qrels)))}; "
            "give files of one data set"
        )
    judged = means["queries"]
    return {**means, "name": name, "unjudged_queries": len(run) - judged, "missing_queries": len(qrels) - judged}


def _notes(found: JudgedRuns, *, same_queries: bool) -> Iterator[str]:
    if found["unknown_queries"]:
        yield f"{_of(found['unknown_queries'], 'judged query', 'judged queries')} in no run, left out."
    if found["unknown_results"]:
        yield f"{_of(found['unknown_results'], 'judged result', 'judged results')} in no run, counted as not found."
    for row in found["runs"]:
        if row["unjudged_queries"]:
            yield f"{row['name']}: {_of(row['unjudged_queries'], 'query', 'queries')} without a judgement, left out."
    if not same_queries:
        yield "The runs have results for different judged queries, so their means are not of the same queries."
    if found["irrelevant_queries"]:
        number = _of(found["irrelevant_queries"], "judged query", "judged queries")
        yield f"{number} without a relevant result: nDCG and bpref are 0 there."
    if any(row["low"] is None for row in found["runs"]):
        yield f"An interval needs {FEWEST_QUERIES} judged queries."


def _of(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def judged_lines(found: JudgedRuns) -> list[str]:
    """Return the document as lines of text: a row a run, then the notes."""
    width = max(len("run"), *(len(row["name"]) for row in found["runs"]))
    depth = found["depth"]
    queries, judgements = _of(found["queries"], "query", "queries"), _of(found["judgements"], "judgement", "judgements")
    lines = [
        f"{judgements} of {queries}; means over the judged queries of each run",
        f"{'run':{width}}  {f'nDCG@{depth}':>7}  {'95 % interval':>16}  {f'Judged@{depth}':>8}  {'bpref':>6}  queries",
    ]
    for row in found["runs"]:
        interval = "" if row["low"] is None else f"{row['low']:.4f} to {row['high']:.4f}"
        figures = f"{row['ndcg']:7.4f}  {interval:>16}  {row['judged']:8.4f}  {row['bpref']:6.4f}"
        lines.append(f"{row['name']:{width}}  {figures}  {row['queries']:7}")
    return [*lines, *(["", *found["notes"]] if found["notes"] else [])]
