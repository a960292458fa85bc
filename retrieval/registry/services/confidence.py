"""The confidence of predictions by nearest neighbours in an index: calibrated once, kept in the index's folder."""

import json
import threading

import numpy as np

from mlcore.artifacts import write_whole
from mlcore.index import load_vectors
from mlcore.inference.knn_classifier import Calibration, calibrate
from retrieval.models import Image, Index
from retrieval.registry.services.index_files import added_file
from storage.store import key_of, store

_calibrating = threading.Lock()  # once a process, however many searches need an index that was not calibrated yet


def calibration_of(index: Index) -> Calibration | None:
    """Return how confident predictions from an index are; None where its data set has no labels or too few pictures.

    Measured once for the labels of a revision, by the index's job or, for an older index, by the first search that
    needs it, which takes seconds. It is kept as a file in the index's folder: the two are deleted together.

    Raises:
        StaleIndexError, OSError: the index is damaged or gone.
    """
    if not index.dataset.labelled:
        return None
    file = added_file(index, f"calibration-{index.dataset.revision}.json")
    with _calibrating:
        if not file.exists():
            calibration = _calibrated(index)
            write_whole(file, json.dumps(calibration and calibration.to_json()).encode())
            store().put(key_of(file))
    stored = json.loads(file.read_text())
    return Calibration.from_json(stored) if stored else None


def _calibrated(index: Index) -> Calibration | None:
    """Return the calibration on pictures left out of their own search: of held-out classes, where there are any."""
    held = load_vectors(index.folder, model_sha256=index.model.weights_sha256)
    rows = Image.objects.filter(dataset=index.dataset, hidden=False).values_list("pk", "label", "split")
    images = {pk: (label, split != Image.Split.TRAIN) for pk, label, split in rows}
    ids = [pk for pk in held.ids.tolist() if pk in images]
    labels = np.array([images[pk][0] for pk in ids], np.int64)
    held_out = np.array([images[pk][1] for pk in ids], np.bool_)
    return calibrate(held.vectors_of(ids), labels, held_out) if ids else None
