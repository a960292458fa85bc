"""What the nearest neighbours of a query predict that it is, model by model and data set by data set."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mlcore.errors import StaleIndexError
from retrieval.models import Dataset, Image, Ranking, Search
from retrieval.registry.services.confidence import calibration_of

ALTERNATIVES = 2  # classes named besides the first

MissingReason = Literal["", "refined", "filtered"]


@dataclass(frozen=True, slots=True)
class Share:
    """A class and its share of the vote, 0 to 1."""

    class_name: str
    share: float


@dataclass(frozen=True, slots=True)
class ConfidenceCheck:
    """The confidence of predictions from an index, checked on pictures that it was not fitted on.

    error: expected calibration error, 0 to 1, of `queries` pictures. least_similarity: what 19 of 20 pictures have to
    one of their own class. unknown_rejection_rate: how often a picture was found unknown once its class was removed.
    """

    queries: int
    error: float
    least_similarity: float
    unknown_rejection_rate: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """The class that a model's nearest neighbours vote for, under the names that the API uses.

    confidence: the probability that it is right, 0 to 1. shares: the first classes of the vote. unknown: whether even
    the nearest picture is less similar than pictures of one class usually are. similarity: that of the nearest.
    """

    dataset: int
    label: int
    class_name: str
    confidence: float
    shares: tuple[Share, ...]
    unknown: bool
    similarity: float
    record: Dataset
    check: ConfidenceCheck


def predictions_of(search: Search, rankings: Sequence[Ranking]) -> tuple[Prediction, ...]:
    """Return what a model's rankings predict that the query is: for each data set one at most, in their order.

    A data set has none where it has no labels, nothing was found, or the index is gone; no data set has one where
    `missing_reason` gives a reason.
    """
    if missing_reason(search):
        return ()
    found = (_prediction_of(ranking, search.query_image_id) for ranking in rankings)
    return tuple(prediction for prediction in found if prediction is not None)


def missing_reason(search: Search) -> MissingReason:
    """Return why a search has no predictions; "" where it may have some.

    The neighbours then follow from the marks or the filter, and say nothing about the picture.
    """
    if search.more or search.less:
        return "refined"
    return "filtered" if search.filters.get("splits") or search.filters.get("classes") else ""


def _prediction_of(ranking: Ranking, query: int | None) -> Prediction | None:
    """Return a ranking's prediction; the query, if it is among its own results, has no vote."""
    index = ranking.index
    shown = Image.objects.filter(pk__in=ranking.image_ids, hidden=False)
    rows = list(shown.values_list("pk", "label", "dataset_class__name"))
    labels, names = {pk: label for pk, label, _ in rows}, {label: name for _, label, name in rows}
    pairs = zip(ranking.image_ids, ranking.scores, strict=True)
    neighbours = [(labels[pk], similarity) for pk, similarity in pairs if pk in labels and pk != query]
    try:
        calibration = calibration_of(index) if neighbours else None
    except (StaleIndexError, OSError):  # rolled back or cleared away since: the results stay, the embeddings are gone
        return None
    if calibration is None:
        return None
    vote = calibration.predict(*zip(*neighbours, strict=True))
    first = 1 - sum(share for _, share in vote.alternatives)
    shares = ((vote.label, first), *vote.alternatives[:ALTERNATIVES])
    return Prediction(
        dataset=index.dataset_id,
        label=vote.label,
        class_name=names[vote.label],
        confidence=vote.confidence,
        shares=tuple(Share(names[label], share) for label, share in shares),
        unknown=vote.unknown,
        similarity=neighbours[0][1],
        record=index.dataset,
        check=ConfidenceCheck(
            queries=calibration.queries,
            error=calibration.error,
            least_similarity=calibration.unknown_below,
            unknown_rejection_rate=calibration.unknown_rejection_rate,
        ),
    )
