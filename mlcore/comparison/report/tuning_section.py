"""The tuning of a report: what each loss was given and found, and the texts that say so, on pages of the site too."""

from collections.abc import Mapping
from typing import Any, Final, TypedDict

from mlcore.comparison.best_of_n import expected_best, running_best
from mlcore.comparison.report.formatting import percent_text
from mlcore.comparison.search_space import last_edges
from mlcore.comparison.tuning_state import LEARNING_RATE, PROXY_RATE, Ends, Trial, TuningState, best_of, rates_of
from mlcore.evaluation.metric_table import HEADLINE, title_of

SHOWN = (1, 5, 10, 20)
"""Numbers of trials in the table of best-of-n values, beside the whole budget."""


class TuningSummary(TypedDict):
    """A loss's tuning in the document; MAP@R as fractions of 1.

    ranges, widened: lowest and highest value by parameter, in the first half of the trials and in the second where it
    differs. at_edge: what the best trial has at an edge of its last range. expected_best, running_best: of n trials,
    n = 1, 2, ...; a failed trial counts as 0.
    """

    trials: int
    budget: int
    failed: int
    untuned: float | None
    best: Trial | None
    seconds: float
    ranges: dict[str, Ends]
    widened: dict[str, Ends]
    at_edge: list[str]
    expected_best: list[float]
    running_best: list[float]


BEFORE_FORMAT_5: Final[Mapping[str, Any]] = {
    "ranges": {},
    "widened": {},
    "at_edge": [],
    "expected_best": [],
    "running_best": [],
}
"""What tunings of documents before format 5 did not store."""


def tuning_summary(state: TuningState, loss: str) -> TuningSummary:
    """Return what a report tells of a loss's tuning, finished or not."""
    measured = state["measured"]
    failed = sum(trial["map_at_r"] is None for trial in measured)
    best = best_of(state, loss) if failed < len(measured) else None
    scores = [trial["map_at_r"] or 0.0 for trial in measured]
    return {
        "trials": len(measured),
        "budget": state["trials"],
        "failed": failed,
        "untuned": measured[0]["map_at_r"] if measured else None,
        "best": best,
        "seconds": state["seconds"],
        "ranges": state["ranges"],
        "widened": state["widened"] or {},
        "at_edge": last_edges(state, loss, best) if best else [],
        "expected_best": expected_best(scores),
        "running_best": running_best(scores),
    }


def tuned_values(best: Mapping[str, Any] | None) -> str:
    """Return what the best trial of a tuning was trained with, in one line; None: every trial failed."""
    if best is None:
        return "every trial failed"
    return ", ".join(f"{searched_title(name)} {value:.4g}" for name, value in (best["params"] | rates_of(best)).items())


def held_out_text(protocol: Mapping[str, Any], tuning: Mapping[str, int]) -> str:
    """Return what a trial is measured on, after "measured by MAP@R on"; tuning: as the plan has it."""
    folds = tuning.get("folds", 0)
    if folds:
        whose = f"the first {folds} of the protocol's {protocol['folds']}" if protocol["folds"] else f"{folds}"
        return f"{whose} folds of the training classes (mean)"
    if protocol["folds"]:
        return "the classes that fold 0 holds out"
    return f"{tuning['validation_classes']} validation classes"


def tuning_text(comparison: Mapping[str, Any]) -> str:
    """Return budget, folds and ranges of a comparison's tuning in sentences; comparison: its plan."""
    tuning, protocol = comparison["tuning"], comparison["protocol"]
    held_out = held_out_text(protocol, tuning)
    sentences = [
        f"{tuning['trials']} trials per loss, each measured by {title_of(HEADLINE)} on {held_out}.",
        "The first trial has the comparison's own parameters.",
    ]
    if tuning.get("design", 1) == 1:
        sentences.append("The shared learning rate was not searched, and no range was widened.")
    else:
        rate, factor = protocol[LEARNING_RATE], protocol[PROXY_RATE]
        sentences += [
            f"The learning rate ({rate:.4g} in the protocol) is searched for every loss, and the proxies' rate factor "
            f"({factor:.4g}) where there are proxies: tuned rows differ from the protocol in these.",
            "After half of the trials, ranges with the best value within 5 % of an end are widened once.",
        ]
    return " ".join(sentences)


CURVE_TEXT = (
    "Expected best of n trials: the mean maximum of n draws from a loss's own trials (Dodge et al. 2019). "
    "It takes trials as exchangeable. Those of this search are not after the first ten, which are random: later "
    "ones follow what was found. So the curve compares losses at equal n, and does not predict a shorter search."
)


def shown_numbers(tunings: Mapping[str, Mapping[str, Any]]) -> list[int]:
    """Return the numbers of trials that the best-of-n table has as columns; none without curves."""
    most = max((len(found["expected_best"]) for found in tunings.values()), default=0)
    return sorted({n for n in SHOWN if n < most} | {most}) if most else []


def best_of_n_texts(found: Mapping[str, Any], numbers: list[int]) -> list[str]:
    """Return the expected best value of so many trials in percent; – where a loss has fewer."""
    values = found["expected_best"]
    return [percent_text(values[n - 1] if n <= len(values) else None) for n in numbers]


def range_texts(found: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return name, range, wider range ("" if not widened) and best value of everything searched.

    A best value within 5 % of an end of its last range has a note.
    """
    best = found["best"]
    values = best["params"] | rates_of(best) if best else {}
    return [
        {
            "name": searched_title(name),
            "range": _ends(ends),
            "widened": _ends(found["widened"][name]) if name in found["widened"] else "",
            "best": f"{values[name]:.4g}" if name in values else "–",
            "note": "at an edge" if name in found["at_edge"] else "",
        }
        for name, ends in found["ranges"].items()
    ]


def searched_title(name: str) -> str:
    """Return what texts call a parameter of a loss or a rate of the protocol."""
    return name.replace("_", " ") if name in (LEARNING_RATE, PROXY_RATE) else name


def _ends(ends: Ends) -> str:
    return f"{ends[0]:.4g} to {ends[1]:.4g}"
