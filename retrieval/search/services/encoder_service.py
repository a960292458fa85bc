"""What an encoder (`manage.py encoder`) does for the other hosts of its site."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from config.errors import ServiceError
from mlcore.errors import CheckpointError, EncoderFailed, MlcoreError
from mlcore.inference.encoder_protocol import PictureEncoder
from retrieval.errors import ModelUnavailable, NoResults
from retrieval.models import Model
from retrieval.search.services import model_cache

Floats = NDArray[np.float32]

TOLD = (ServiceError, NoResults, MlcoreError)
"""Errors that the other host raises as this one does."""


def as_json(error: Exception) -> dict[str, object]:
    """Return an error as the other host reads it."""
    return {"error": type(error).__name__, "message": str(error), "retry_after": getattr(error, "retry_after", None)}


def embed_squares(keys: Sequence[int], body: bytes, patience: float) -> bytes:
    """Return embeddings [N, dim] by the keys of models, as safetensors, of squares [N, crop, crop, 3] in raw bytes.

    A damaged model is left out, unless all are.

    Raises:
        Busy, NoResults, MlcoreError: no model gives an embedding.
    """
    groups: dict[object, dict[int, PictureEncoder]] = {}
    problems: list[Exception] = []
    vectors: dict[str, Floats] = {}
    for model in _models(keys):
        try:
            encoder = _loaded(model, explains=False)
        except (NoResults, MlcoreError) as problem:
            problems.append(problem)
        else:
            groups.setdefault(model_cache.pass_of(model, encoder), {})[model.pk] = encoder
    for encoders in groups.values():
        try:
            embeddings = model_cache.embed_pixels_by_all(encoders, _squares(encoders, body), patience)
        except (NoResults, MlcoreError) as problem:
            problems.append(problem)
        else:
            vectors |= {str(key): rows for key, rows in embeddings.items()}
    if problems and not vectors:
        raise problems[0]
    return save(vectors)


def explain_squares(key: int, body: bytes) -> dict[str, object]:
    """Return the explanation of two squares in raw bytes, as JSON. Raises as `embed_squares` does, of one model."""
    [model] = _models([key])
    encoder = _loaded(model, explains=True)
    return model_cache.explain_pixels(encoder, _squares({key: encoder}, body)).to_json()


def _models(keys: Sequence[int]) -> list[Model]:
    models = Model.objects.in_bulk(keys)
    missing = [key for key in keys if key not in models]
    if missing or not keys:
        raise ModelUnavailable(f"model {missing[0] if missing else '?'} is gone")
    return [models[key] for key in dict.fromkeys(keys)]


def _loaded(model: Model, *, explains: bool) -> PictureEncoder:
    try:
        return model_cache.explaining_encoder_of(model) if explains else model_cache.encoder_of(model)
    except OSError as error:
        raise CheckpointError(f"its files are gone ({error.strerror}); train it again") from error


def _squares(encoders: dict[int, PictureEncoder], body: bytes) -> NDArray[np.uint8]:
    """Return the squares as the networks of these encoders see them."""
    side = next(iter(encoders.values())).preprocessing.crop
    if not body or len(body) % (side * side * 3):
        raise EncoderFailed(f"{len(body)} bytes are no squares of {side} pixels")
    return np.frombuffer(body, np.uint8).reshape(-1, side, side, 3).copy()  # PyTorch wants an array that it may write
