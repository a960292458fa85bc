"""What the models together predict that a query is: a headline for each data set, built once for all who show it.

Page, API and files read the same headline. It never counts votes: it gives the confidence of each class as a range
over the models that name it, and says so where that is low, or where the models disagree.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from retrieval.models import Dataset
from retrieval.search.services.predictions import Prediction

LIKELY = 0.5  # least probability of a class that is called likely
CLOSEST = 2  # classes named where none is likely

State = Literal["likely", "unsure", "unknown", "disagreement"]
LEADS: dict[State, str] = {
    "likely": "Most likely",
    "unsure": "Not sure. Closest:",
    "unknown": "Probably not in this data set. Closest:",
    "disagreement": "The models disagree:",
}
STATES = [(state, state) for state in LEADS]
NONE_OF_THESE = "not in this data set"
Writer = Callable[[str], str]
"""How a name is written: as it is, or so that it keeps its direction to itself."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A class that models predict. label None, class_name "": they find the query in no class of the data set.

    confidence_low, confidence_high: over the models that predict it, 0 to 1; None where label is None.
    """

    label: int | None
    class_name: str
    confidence_low: float | None
    confidence_high: float | None
    models: tuple[str, ...]

    @property
    def percent(self) -> str:
        """The confidence in percent: "72-81 %", or "72 %" where all models say the same; "" without one."""
        if self.confidence_low is None or self.confidence_high is None:
            return ""
        low, high = f"{100 * self.confidence_low:.0f}", f"{100 * self.confidence_high:.0f}"
        return f"{low}–{high} %" if low != high else f"{high} %"

    def written(self, write: Writer = str) -> str:
        """Return the class, as `write` writes its name, with its confidence."""
        return f"{write(self.class_name)} ({self.percent})" if self.class_name else NONE_OF_THESE


@dataclass(frozen=True, slots=True)
class Headline:
    """What the models predict in one data set.

    state: likely, where the mean confidence in the first class is at least a half, a model that predicts something
    else counting as 0; unknown, where the models find the query in no class; disagreement, where one is sure and
    another says something else; else unsure. classes: those it names, the most confident first. others: what
    the other models say, where the first class is likely. record: the row of the data set.
    """

    dataset: int
    dataset_name: str
    state: State
    classes: tuple[Candidate, ...]
    others: tuple[Candidate, ...]
    record: Dataset

    @property
    def lead(self) -> str:
        """The words before the classes."""
        return LEADS[self.state]

    @property
    def text(self) -> str:
        """The headline as a sentence, without the name of the data set."""
        return self.written()

    def written(self, write: Writer = str) -> str:
        """Return the headline as a sentence, with the names of classes as `write` writes them."""
        others = f" Others: {_joined(self.others, write)}." if self.others else ""
        return f"{self.lead} {_joined(self.classes, write)}.{others}"


def _joined(candidates: Iterable[Candidate], write: Writer) -> str:
    return ", ".join(candidate.written(write) for candidate in candidates)


def headlines_of(predictions: Iterable[tuple[str, Prediction]]) -> tuple[Headline, ...]:
    """Return a headline for each data set, by its name, from predictions with the names of their models."""
    by_dataset: dict[int, list[tuple[str, Prediction]]] = defaultdict(list)
    for model, prediction in predictions:
        by_dataset[prediction.dataset].append((model, prediction))
    return tuple(sorted(map(_headline, by_dataset.values()), key=lambda headline: headline.dataset_name.casefold()))


def summary_text(headlines: Sequence[Headline], write: Writer = str) -> str:
    """Return the headlines as one text; several are preceded by the names of their data sets.

    `write` writes the names of classes and data sets, within isolates for example.
    """
    if len(headlines) == 1:
        return headlines[0].written(write)
    return " ".join(f"{write(headline.dataset_name)}: {headline.written(write)}" for headline in headlines)


Rows = Sequence[tuple[str, Prediction]]  # predictions with the names of their models


def _headline(rows: Rows) -> Headline:
    found = [(model, prediction) for model, prediction in rows if not prediction.unknown]
    unknown = tuple(model for model, prediction in rows if prediction.unknown)
    classes = _candidates(found)
    nowhere = [Candidate(None, "", None, None, unknown)] if unknown else []
    state = _state(found, classes, len(rows))
    others: Sequence[Candidate] = ()
    if state == "likely":
        classes, others = classes[:1], [*classes[1:], *nowhere]
    elif state == "disagreement":
        classes = [*classes, *nowhere]
    elif state == "unknown":
        classes = _candidates(rows)[:1]
    else:
        classes = classes[:CLOSEST]
    record = rows[0][1].record
    return Headline(record.pk, record.name, state, tuple(classes), tuple(others), record)


def _state(found: Rows, classes: Sequence[Candidate], models: int) -> State:
    """Return how sure the models are together, of which `found` are those that find the query in some class."""
    is_one_sure = any(prediction.confidence >= LIKELY for _, prediction in found)
    if 2 * len(found) < models and not is_one_sure:
        return "unknown"
    first = sum(prediction.confidence for _, prediction in found if prediction.label == classes[0].label)
    if first / models >= LIKELY:
        return "likely"
    return "disagreement" if is_one_sure and (len(classes) > 1 or len(found) < models) else "unsure"


def _candidates(rows: Rows) -> list[Candidate]:
    """Return the predicted classes, the one with most confidence of all models together first."""
    by_label: dict[int, list[tuple[str, Prediction]]] = defaultdict(list)
    for model, prediction in rows:
        by_label[prediction.label].append((model, prediction))
    sums = {label: sum(prediction.confidence for _, prediction in same) for label, same in by_label.items()}
    return [_candidate(by_label[label]) for label in sorted(by_label, key=lambda label: (-sums[label], label))]


def _candidate(rows: Rows) -> Candidate:
    confidences = [prediction.confidence for _, prediction in rows]
    first = rows[0][1]
    models = tuple(model for model, _ in rows)
    return Candidate(first.label, first.class_name, min(confidences), max(confidences), models)
