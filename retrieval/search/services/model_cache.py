"""The encoders and indexes that a process holds in memory, bounded in bytes and in callers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from django.conf import settings

from config import metrics, places
from mlcore.artifacts import read_json
from mlcore.index import IndexManifest, load_index
from mlcore.index.store import of_model
from mlcore.inference.explanation import Explanation
from mlcore.runs import WEIGHTS
from retrieval.models import Index, Model
from retrieval.registry.services import remote_encoders
from retrieval.registry.services.external_encoders import ExternalEncoder, external_encoder
from retrieval.registry.services.index_memory import resident_bytes
from retrieval.registry.services.remote_encoders import RemoteEncoder
from retrieval.registry.services.vector_store import vectors_of
from retrieval.search.services.embedding_queue import EmbeddingQueue
from retrieval.search.services.memory_budget import LRUCache
from retrieval.search.services.serving_index import KEPT_BYTES, ServingIndex
from retrieval.search.services.turns import turns

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

    from mlcore.inference.encoder_protocol import PictureEncoder

Floats = np.ndarray[Any, np.dtype[np.float32]]
Squares = np.ndarray[Any, np.dtype[np.uint8]]

cache = LRUCache(
    settings.ENGINE_BYTES,
    while_loading=turns.left,  # seconds, in which other searches go on
    on_change=metrics.ENGINE_BYTES.set,
)
queue = EmbeddingQueue()

REMOTE_BYTES = 4096
"""Of what is known here of an encoder on another host, about."""
HEAD_BYTES = 4 * 2048
"""Of a head, for each dimension of its embeddings: float32 weights of as many features as most backbones have."""


def embed(encoder: "PictureEncoder", pictures: Sequence["Picture"], patience: float = 0) -> Floats:
    """Return unit-length embeddings [N, dim] of pictures, waiting `patience` seconds for a place in the queue.

    Raises:
        Busy: too many are waiting already, or others take too long.
        ModelUnavailable: an external model gives no embedding.
        EncoderAway: the encoder of this host does not answer.
    """
    return embed_by_all({0: encoder}, pictures, patience)[0]


def embed_by_all(
    encoders: Mapping[int, "PictureEncoder"], pictures: Sequence["Picture"], patience: float = 0
) -> dict[int, Floats]:
    """Return what each of some encoders with the same trunk embeds, in one forward pass. Raises as `embed` does.

    A damaged model of a remote encoder may be left out.
    """
    first = next(iter(encoders.values()))
    return embed_pixels_by_all(encoders, first.preprocessing.pixels(pictures), patience)


def embed_pixels_by_all(
    encoders: Mapping[int, "PictureEncoder"], pixels: Squares, patience: float = 0
) -> dict[int, Floats]:
    """Return what `embed_by_all` does, of prepared squares [N, crop, crop, 3]."""
    first = next(iter(encoders.values()))
    remote = {key: encoder for key, encoder in encoders.items() if isinstance(encoder, RemoteEncoder)}
    with turns.left():
        if remote:
            return remote_encoders.embed_by_all(remote, pixels, patience)
        if isinstance(first, ExternalEncoder):  # whose process nobody else waits for
            first.patience = patience
            return {key: encoder.embed_pixels(pixels) for key, encoder in encoders.items()}
        features = queue.features(first, pixels, patience)
    return {key: encoder.embed_features(features) for key, encoder in encoders.items()}


def explain(encoder: "PictureEncoder", first: "Picture", second: "Picture") -> Explanation:
    """Return what each cell of two pictures contributes to their similarity.

    encoder: as `explaining_encoder_of` gives it.

    Raises:
        Busy, NoResults: as for `embed`.
        ExplanationError: the network has no spatial feature map.
    """
    return explain_pixels(encoder, encoder.preprocessing.pixels([first, second]))


def explain_pixels(encoder: "PictureEncoder", pixels: Squares) -> Explanation:
    """Return what `explain` does, of prepared squares [2, crop, crop, 3]."""
    if isinstance(encoder, ExternalEncoder | RemoteEncoder):
        return encoder.explain_pixels(pixels)
    from mlcore.inference.explain import explain_pixels as explained

    with queue.turn():
        return explained(encoder, pixels)


def encoder_of(model: Model) -> "PictureEncoder":
    """Return the encoder of a model: on another host, loaded here, or in a process of its own where it is external.

    A head and a trunk are kept apart, as models share trunks. A trunk is used whenever a head is, so it is never
    older than all of its heads: what the cache drops is gone.

    Raises:
        CheckpointError: its files are damaged.
        ModelSuspended: it is external and failed too often.
    """
    if settings.ENCODER_URL:
        return _remote(model)
    if model.is_external:
        return external_encoder(model)
    encoder = cache.get(("model", model.pk), lambda: _load(model), model.dim * HEAD_BYTES)
    key, network = _network_of(model, encoder)
    cache.get(key, lambda: network, _size(_weights_of(model)))
    return encoder


def pass_of(model: Model, encoder: "PictureEncoder") -> object:
    """Return what is equal for models that embed in one forward pass; an external one has a process of its own."""
    return model.pk if model.is_external else encoder.trunk


def _remote(model: Model) -> RemoteEncoder:
    return cache.get(("remote", model.pk), lambda: RemoteEncoder(model), REMOTE_BYTES)


def _load(model: Model) -> "PictureEncoder":
    from mlcore.inference.engine import OnnxTrunk, load_engine

    def open_trunk(trunk: str, load: Callable[[], OnnxTrunk]) -> OnnxTrunk:
        return cache.get(("trunk", trunk), load, _size(_weights_of(model)))

    return load_engine(model.folder, places.cache(), settings.TORCH_THREADS, open_trunk)


def _network_of(model: Model, encoder: "PictureEncoder") -> tuple[object, object]:
    """Return what is large of an encoder, and its key: a trunk of the engine once, of PyTorch for each model."""
    from mlcore.inference.engine import EngineEncoder

    if isinstance(encoder, EngineEncoder):
        return ("trunk", encoder.trunk), encoder.network
    return ("torch", model.pk), encoder


def explaining_encoder_of(model: Model) -> "PictureEncoder":
    """Return the encoder of a model that shows its feature maps; PyTorch is loaded for it. Raises as `encoder_of`."""
    if settings.ENCODER_URL:
        return _remote(model)
    if model.is_external:
        return external_encoder(model)
    import torch

    from mlcore.inference.model_files import load_encoder

    def load() -> "PictureEncoder":
        torch.set_num_threads(settings.TORCH_THREADS)
        return load_encoder(model.folder)

    return cache.get(("torch", model.pk), load, _size(_weights_of(model)))


def _weights_of(model: Model) -> Path:
    files = [model.folder / name for name in WEIGHTS.values()]
    return next((file for file in files if file.exists()), files[0])  # gone: its size says so, in the usual way


def bytes_of(model: Model, indexes: Iterable[Index]) -> int:
    """Return how many bytes a model that is not external and its indexes keep in memory.

    Raises:
        OSError: the model's files are gone.
    """
    network = _size(_weights_of(model)) if model.has_network and not settings.ENCODER_URL else 0
    return network + sum(resident_bytes(index) for index in indexes)


def serving_index_of(index: Index) -> ServingIndex:
    """Return the index of a row, which knows what changed since it was built: loaded, or asked in a vector store.

    Raises:
        StaleIndexError: its files do not match its manifest, its model or the model's preprocessing.
        VectorsAway: it is in a vector store that this process is not told of.
        OSError: they are gone.
    """

    def load() -> ServingIndex:
        expected = read_json(index.model.folder_with("model.json") / "model.json")["preprocessing"]
        if index.is_in_vector_store:
            of_model(IndexManifest.from_json(index.manifest), index.model.weights_sha256, expected)
            return ServingIndex(vectors_of(index), index)
        index.folder.stat()
        vectors = load_index(index.folder, model_sha256=index.model.weights_sha256, preprocessing=expected)
        return ServingIndex(vectors, index)

    return cache.get(_key_of(index), load, resident_bytes(index) or KEPT_BYTES)


def forget_index(index: Index) -> None:
    """Let the index of a row go: a file was damaged while it was loaded, which its next loading reports in full."""
    cache.forget(_key_of(index))


def _key_of(index: Index) -> tuple[str, int, str]:
    return ("index", index.pk, index.collection)  # a collection that is filled again has another name


def _size(file: Path) -> int:
    return file.stat().st_size
