"""What is it? What a model's nearest neighbours vote for, and whether the models agree."""

import json
import tempfile
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlcore.errors import StaleIndexError
from mlcore.index import load_index
from mlcore.inference.knn_classifier import Calibration, calibrate
from retrieval.models import Dataset, Image, Index, Ranking, Search

NAMED = 2  # runners-up
_calibrating = threading.Lock()  # once a process, however many look at the first answers of an index


@dataclass(frozen=True)
class Told:
    """A verdict in words: the class, how sure, the first classes with their shares of the vote.

    near: whether anything is as near as pictures of one class usually are.
    """

    dataset: Dataset
    label: int
    class_name: str
    confidence: float
    shares: list[tuple[str, float]]
    near: bool
    top: float
    calibration: Calibration


def calibration_of(index: Index) -> Calibration | None:
    """Return how sure votes in an index are; None where its data set has no labels or too few pictures.

    Found once for the labels of a revision, by the index's job or at the first question, and kept as a file in
    the index's folder: the folder's own files stay as they are, and the two go together.

    Raises:
        StaleIndexError, OSError: the index is damaged or gone.
    """
    if not index.dataset.labelled:
        return None
    file = index.folder / f"calibration-{index.dataset.revision}.json"
    with _calibrating:
        if not file.exists():
            found = _calibrated(index)
            _write_whole(file, json.dumps(found and found.to_json()))
    stored = json.loads(file.read_text())
    return Calibration.from_json(stored) if stored else None


def _calibrated(index: Index) -> Calibration | None:
    """Return what leaving pictures out of their own search tells; held-out classes are asked, nobody learned them."""
    held = load_index(index.folder, model_sha256=index.model.weights_sha256)
    rows = Image.objects.filter(dataset=index.dataset, hidden=False).values_list("pk", "label", "split")
    known = {pk: (label, split != Image.Split.TRAIN) for pk, label, split in rows}
    ids = [pk for pk in held.ids.tolist() if pk in known]
    labels = np.array([known[pk][0] for pk in ids], np.int64)
    asks = np.array([known[pk][1] for pk in ids], np.bool_)
    return calibrate(held.vectors_of(ids), labels, asks) if ids else None


def _write_whole(target: Path, text: str) -> None:
    with tempfile.NamedTemporaryFile("w", dir=target.parent, delete=False) as file:
        file.write(text)
    Path(file.name).replace(target)


def verdict_of(search: Search, rankings: Sequence[Ranking]) -> Told | None:
    """Return what a model's rankings say the query is, of several data sets the surest.

    None where no data set has labels, nothing was answered, the index is gone, or where the question was not
    free: classes or splits were chosen, or the query was moved by marks.
    """
    if search.filters or search.more or search.less:
        return None
    told = [found for ranking in rankings if (found := _verdict_of(ranking, search.query_image_id)) is not None]
    return max(told, key=lambda found: (found.near, found.confidence), default=None)


def _verdict_of(ranking: Ranking, query: int | None) -> Told | None:
    """Return a ranking's verdict; the query, if it is among its own answers, has no vote."""
    index = ranking.index
    shown = Image.objects.filter(pk__in=ranking.image_ids, hidden=False)
    rows = list(shown.values_list("pk", "label", "dataset_class__name"))
    labels, names = {pk: label for pk, label, _ in rows}, {label: name for _, label, name in rows}
    pairs = zip(ranking.image_ids, ranking.scores, strict=True)
    answers = [(labels[pk], score) for pk, score in pairs if pk in labels and pk != query]
    try:
        calibration = calibration_of(index) if answers else None
    except (StaleIndexError, OSError):  # rolled back or cleared away since: the answers stay, the space is gone
        return None
    if calibration is None:
        return None
    found = calibration.predict(*zip(*answers, strict=True))
    first = 1 - sum(share for _, share in found.alternatives)
    return Told(
        dataset=index.dataset,
        label=found.label,
        class_name=names[found.label],
        confidence=found.confidence,
        shares=[(names[label], share) for label, share in ((found.label, first), *found.alternatives[:NAMED])],
        near=not found.unknown,
        top=answers[0][1],
        calibration=calibration,
    )


def weigh(search: Search, columns: Sequence[dict[str, Any]]) -> str:
    """Give every column its `verdict`, None where there is none; return a sentence on whether they agree, or ""."""
    for column in columns:
        column["verdict"] = verdict_of(search, column["rankings"])
    told = [column["verdict"] for column in columns if column["verdict"]]
    if len(told) < 2:
        return ""
    votes = Counter(found.class_name if found.near else "" for found in told)
    (first, count), *others = votes.most_common()
    if not others:
        every = "Both models" if count == 2 else f"All {count} models"
        return f"{every} say {first}." if first else f"{every} find nothing near: perhaps it is none of these."
    said = [
        f"{count} {'says' if count == 1 else 'say'} {name or 'none of these'}" for name, count in votes.most_common()
    ]
    return f"The models disagree: {', '.join(said[:-1])} and {said[-1]}."
