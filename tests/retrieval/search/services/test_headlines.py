from dataclasses import dataclass

import pytest

from retrieval.models import Dataset
from retrieval.search.services.headlines import Candidate, headlines_of, summary_text
from retrieval.search.services.predictions import ConfidenceCheck, Prediction

CHECK = ConfidenceCheck(queries=100, error=0.02, least_similarity=0.5, unknown_rejection_rate=0.8)
WINGS, MOTHS = Dataset(pk=1, name="Wings"), Dataset(pk=2, name="Moths")
CLASSES = ["Robin", "Wren", "Finch"]


@dataclass(frozen=True)
class Says:
    """What a model predicts: a class with a confidence; unknown: the picture is of none, and this is the closest."""

    name: str
    confidence: float
    unknown: bool = False
    dataset: Dataset = WINGS


def predicted(*said: Says) -> list[tuple[str, Prediction]]:
    return [(f"Model {number}", prediction(row)) for number, row in enumerate(said, 1)]


def prediction(row: Says) -> Prediction:
    label = CLASSES.index(row.name)
    return Prediction(row.dataset.pk, label, row.name, row.confidence, (), row.unknown, 0.8, row.dataset, CHECK)


NOT_HERE = "Probably not in this data set. Closest:"


@pytest.mark.parametrize(
    ("said", "state", "text"),
    [
        # one model
        ([Says("Robin", 0.723)], "likely", "Most likely Robin (72 %)."),
        ([Says("Robin", 0.5)], "likely", "Most likely Robin (50 %)."),
        ([Says("Robin", 0.41)], "unsure", "Not sure. Closest: Robin (41 %)."),
        ([Says("Robin", 0.9, True)], "unknown", f"{NOT_HERE} Robin (90 %)."),
        # models that agree: a range, never a count
        ([Says("Robin", 0.72), Says("Robin", 0.81)], "likely", "Most likely Robin (72–81 %)."),
        ([Says("Robin", 0.721), Says("Robin", 0.719)], "likely", "Most likely Robin (72 %)."),
        ([Says("Robin", 0.41), Says("Robin", 0.46)], "unsure", "Not sure. Closest: Robin (41–46 %)."),
        (
            [Says("Robin", sure) for sure in (0.08, 0.16, 0.21, 0.32, 0.65)],
            "unsure",
            "Not sure. Closest: Robin (8–65 %).",
        ),
        # models that disagree
        (
            [Says("Robin", 0.88), Says("Wren", 0.61)],
            "disagreement",
            "The models disagree: Robin (88 %), Wren (61 %).",
        ),
        (
            [Says("Wren", 0.3), Says("Robin", 0.35), Says("Finch", 0.1)],
            "unsure",
            "Not sure. Closest: Robin (35 %), Wren (30 %).",
        ),
        (
            [*[Says("Robin", 0.9)] * 4, Says("Wren", 0.08)],
            "likely",
            "Most likely Robin (90 %). Others: Wren (8 %).",
        ),
        # unknown to some
        ([Says("Robin", 0.41, True), Says("Robin", 0.46, True)], "unknown", f"{NOT_HERE} Robin (41–46 %)."),
        (
            [Says("Robin", 0.7), Says("Robin", 0.6, True)],
            "disagreement",
            "The models disagree: Robin (70 %), not in this data set.",
        ),
        (
            [Says("Robin", 0.2), Says("Wren", 0.6, True), Says("Wren", 0.5, True)],
            "unknown",
            f"{NOT_HERE} Wren (50–60 %).",
        ),
        ([Says("Robin", 0.2), Says("Wren", 0.6, True)], "unsure", "Not sure. Closest: Robin (20 %)."),
        (
            [Says("Robin", 0.9), Says("Robin", 0.8), Says("Wren", 0.4, True)],
            "likely",
            "Most likely Robin (80–90 %). Others: not in this data set.",
        ),
    ],
)
def test_a_headline_says_how_sure_the_models_are(said: list[Says], state: str, text: str) -> None:
    [headline] = headlines_of(predicted(*said))
    assert (headline.state, headline.text.replace("\N{NO-BREAK SPACE}", " ")) == (state, text)
    assert headline.dataset_name == "Wings"


def test_models_that_searched_other_data_sets_do_not_disagree() -> None:
    said = predicted(Says("Wren", 0.9, dataset=MOTHS), Says("Robin", 0.9), Says("Robin", 0.8))
    headlines = headlines_of(said)
    states = [(headline.dataset_name, headline.state) for headline in headlines]
    assert states == [("Moths", "likely"), ("Wings", "likely")]
    text = summary_text(headlines)
    assert text.startswith("Moths: Most likely Wren") and "Wings: Most likely Robin" in text


def test_names_are_written_as_one_wants_them() -> None:
    said = predicted(Says("Wren", 0.9, dataset=MOTHS), Says("Robin", 0.9), Says("Finch", 0.8))
    plain, marked = summary_text(headlines_of(said)), summary_text(headlines_of(said), lambda name: f"<{name}>")
    for name in ("Wren", "Moths", "Wings", "Finch", "Robin"):
        assert marked.count(f"<{name}>") == plain.count(name) == 1 and f"<{name}>" not in plain


def test_without_predictions_there_is_no_headline() -> None:
    assert headlines_of([]) == () and summary_text(()) == ""


def test_a_candidate_names_its_models_and_its_range() -> None:
    [headline] = headlines_of(predicted(Says("Robin", 0.9), Says("Wren", 0.6), Says("Robin", 0.5, True)))
    robin, wren, nowhere = headline.classes
    assert (robin.label, robin.confidence_low, robin.confidence_high, robin.models) == (0, 0.9, 0.9, ("Model 1",))
    assert wren.models == ("Model 2",)
    assert nowhere == Candidate(None, "", None, None, ("Model 3",)) and nowhere.percent == ""
