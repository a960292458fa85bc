"""What the nearest neighbours of a query predict that it is, and whether the models agree."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from mlcore.errors import StaleIndexError
from retrieval.models import Dataset, Image, Ranking, Search
from retrieval.registry.services.confidence import calibration_of

ALTERNATIVES = 2  # classes named besides the first


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


def prediction_of(search: Search, rankings: Sequence[Ranking]) -> Prediction | None:
    """Return what a model's rankings predict that the query is, of several data sets the most confident.

    None where no data set has labels, nothing was found, the index is gone, or where the search was limited to
    classes or splits or refined by marks.
    """
    if search.filters or search.more or search.less:
        return None
    predictions = [
        prediction for ranking in rankings if (prediction := _prediction_of(ranking, search.query_image_id)) is not None
    ]
    return max(predictions, key=lambda prediction: (not prediction.unknown, prediction.confidence), default=None)


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


def summarise_agreement(predictions: Sequence[Prediction | None]) -> str:
    """Return a sentence on whether the models agree, "" where fewer than two predict something."""
    made = [prediction for prediction in predictions if prediction is not None]
    if len(made) < 2:
        return ""
    votes = Counter("" if prediction.unknown else prediction.class_name for prediction in made)
    (first, count), *others = votes.most_common()
    if not others:
        every = "Both models" if count == 2 else f"All {count} models"
        return f"{every} predict {first}." if first else f"{every} find nothing similar: probably none of these."
    parts = [
        f"{count} {'predicts' if count == 1 else 'predict'} {name or 'none of these'}"
        for name, count in votes.most_common()
    ]
    return f"The models disagree: {', '.join(parts[:-1])} and {parts[-1]}."
