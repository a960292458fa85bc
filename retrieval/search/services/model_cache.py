"""The encoders and indexes that a process holds in memory, bounded in bytes and in callers."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from django.conf import settings

from config.errors import Busy
from mlcore.artifacts import read_json
from mlcore.index import VectorIndex, load_index
from mlcore.runs import WEIGHTS
from retrieval.models import Index, Model
from retrieval.registry.services.external_encoders import ExternalEncoder, external_encoder
from retrieval.registry.services.index_memory import resident_bytes
from retrieval.search.services.memory_budget import LRUCache
from retrieval.search.services.serving_index import ServingIndex

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

    from mlcore.inference.encoder_protocol import PictureEncoder
    from mlcore.inference.explain import Explanation

Floats = np.ndarray[Any, np.dtype[np.float32]]


cache = LRUCache(settings.ENGINE_BYTES)
# One encoding at a time with all its threads beats several that share them; a bounded number may wait.
_encoding = threading.Lock()
_waiting = threading.BoundedSemaphore(settings.ENGINE_QUEUE)


BUSY = "many pictures are being searched right now; try again in a moment"


@contextmanager
def _place_in_queue(patience: float = 0) -> Iterator[None]:
    if not _waiting.acquire(timeout=patience):
        raise Busy(BUSY)
    try:
        if not _encoding.acquire(timeout=max(patience, settings.ENGINE_SECONDS)):
            raise Busy(BUSY)
        try:
            yield
        finally:
            _encoding.release()
    finally:
        _waiting.release()


def embed(encoder: "PictureEncoder", pictures: Sequence["Picture"], patience: float = 0) -> Floats:
    """Return unit-length embeddings [N, dim] of pictures, waiting `patience` seconds for a place in the queue.

    Raises:
        Busy: too many are waiting already, or others take too long.
        ModelUnavailable: an external model gives no embedding.
    """
    if isinstance(encoder, ExternalEncoder):  # whose process nobody else waits for
        encoder.patience = patience
        return encoder.embed(pictures)
    with _place_in_queue(patience):
        return encoder.embed(pictures)


def explain(encoder: "PictureEncoder", first: "Picture", second: "Picture") -> "Explanation":
    """Return what each cell of two pictures contributes to their similarity.

    Raises:
        Busy, ModelUnavailable: as for `embed`.
        ExplanationError: the network has no spatial feature map.
    """
    if isinstance(encoder, ExternalEncoder):
        return encoder.explain(first, second)
    from mlcore.inference.explain import explain_pair

    with _place_in_queue():
        return explain_pair(encoder, first, second)


def encoder_of(model: Model) -> "PictureEncoder":
    """Return the encoder of a model: loaded here, or in a process of its own where it is external.

    Raises:
        CheckpointError: its files are damaged.
        ModelSuspended: it is external and failed too often.
    """
    if model.is_external:
        return external_encoder(model)
    import torch

    from mlcore.inference.model_files import load_encoder

    def load() -> "PictureEncoder":
        torch.set_num_threads(settings.TORCH_THREADS)
        return load_encoder(model.folder)

    return cache.get(("model", model.pk), load, _size(_weights_of(model)))


def _weights_of(model: Model) -> Path:
    files = [model.folder / name for name in WEIGHTS.values()]
    return next((file for file in files if file.exists()), files[0])  # gone: its size says so, in the usual way


def bytes_of(model: Model, indexes: Iterable[Index]) -> int:
    """Return how many bytes a model that is not external and its indexes keep in memory.

    Raises:
        OSError: the model's files are gone.
    """
    network = _size(_weights_of(model)) if model.has_network else 0
    return network + sum(resident_bytes(index) for index in indexes)


def index_of(index: Index) -> VectorIndex:
    """Return the loaded vectors of a row. Raises as `serving_index_of`."""
    return serving_index_of(index).vectors


def serving_index_of(index: Index) -> ServingIndex:
    """Return the loaded index of a row, which knows what changed since it was built.

    Raises:
        StaleIndexError: its files do not match its manifest, its model or the model's preprocessing.
        OSError: they are gone.
    """

    def load() -> ServingIndex:
        index.folder.stat()
        expected = read_json(index.model.folder / "model.json")["preprocessing"]
        vectors = load_index(index.folder, model_sha256=index.model.weights_sha256, preprocessing=expected)
        return ServingIndex(vectors, index.dataset_id, index.revision)

    return cache.get(("index", index.pk), load, resident_bytes(index))


def forget_index(index: Index) -> None:
    """Let the index of a row go: a file was damaged while it was loaded, which its next loading reports in full."""
    cache.forget(("index", index.pk))


def _size(file: Path) -> int:
    return file.stat().st_size
