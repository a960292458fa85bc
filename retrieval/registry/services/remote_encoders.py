"""Encoders on another host (`ENCODER_URL`): this process prepares pictures, and needs no network and no PyTorch.

`manage.py encoder` answers there, see `retrieval.search.views.encoder`. Only squares of pixels and embeddings travel.
"""

import logging
import threading
from collections.abc import Mapping
from functools import lru_cache

import httpx
import numpy as np
from django.conf import settings
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from config.api import request_ids
from config.errors import Busy
from config.host_signatures import authorization
from config.log_context import request_at_hand
from config.pauses import Pause
from mlcore.errors import CheckpointError, EncoderFailed, ExplanationError, WeightsError
from mlcore.images.preprocessing import Preprocessing
from mlcore.inference.encoder_protocol import PictureEncoder
from mlcore.inference.explanation import Explanation
from mlcore.inference.model_files import read_description
from retrieval.errors import EncoderAway, ModelSuspended, ModelUnavailable
from retrieval.models import Model

logger = logging.getLogger(__name__)

Floats = NDArray[np.float32]
Squares = NDArray[np.uint8]

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 20.0  # to embed, besides the time in the queue
ALIVE_SECONDS = 1.0  # to say that it is only slow
PART_BYTES = 2**24  # of the squares of a request
LASTING: dict[str, type[Exception]] = {
    error.__name__: error for error in (ModelSuspended, CheckpointError, EncoderFailed, ExplanationError, WeightsError)
}
PASSING: dict[str, type[Busy]] = {error.__name__: error for error in (Busy, ModelUnavailable)}
"""What an encoder may answer instead: the errors of an encoder in this process."""
AWAY = "pictures cannot be embedded now: the encoder does not answer; try again in a moment"
SLOW = "the encoder takes long, perhaps to load a model; try again in a moment"

CROWD = "many pictures are being embedded right now; try again in a moment"

pause = Pause()
_callers = threading.BoundedSemaphore(max(1, settings.WEB_THREADS // 2))


class RemoteEncoder(PictureEncoder):
    """The encoder of a model on another host. Networks with the same preprocessing are asked together.

    Every call raises EncoderAway where the encoder does not answer, and what it would raise in this process.
    """

    def __init__(self, model: Model) -> None:
        description = read_description(model.folder_with("model.json"))
        preprocessing = Preprocessing.from_json(description["preprocessing"])
        super().__init__(preprocessing, description["weights_sha256"], f"remote {preprocessing.fingerprint}")
        self.model, self._dim = model.pk, model.dim

    @property
    def dim(self) -> int:
        """Length of an embedding."""
        return self._dim

    def embed_pixels(self, pixels: Squares) -> Floats:
        """Return unit-length embeddings [N, dim] of prepared squares [N, crop, crop, 3]."""
        return embed_by_all({self.model: self}, pixels)[self.model]

    def explain_pixels(self, pixels: Squares) -> Explanation:
        """Return what each place of two prepared squares [2, crop, crop, 3] brings to their cosine.

        Raises:
            ExplanationError: the network does not show its places.
        """
        seconds = settings.ENGINE_SECONDS + ANSWER_SECONDS
        answer = _ask("POST", "/explain", {"model": self.model}, pixels, seconds)
        try:
            return Explanation.from_json(answer.json())
        except (KeyError, TypeError, ValueError) as error:
            raise _unreadable(answer) from error


def embed_by_all(encoders: Mapping[int, RemoteEncoder], pixels: Squares, patience: float = 0) -> dict[int, Floats]:
    """Return what each of some encoders embeds, [N, dim], of prepared squares [N, crop, crop, 3].

    A damaged model is left out, unless all are. patience: seconds to wait for a place in the encoder's queue.

    Raises:
        Busy: too many are waiting already, or others take too long.
        EncoderAway: it does not answer.
        ModelUnavailable, ModelSuspended, CheckpointError: no model gives an embedding.
    """
    query = {"model": [encoder.model for encoder in encoders.values()], "patience": patience}
    rows = max(1, PART_BYTES // pixels[0].nbytes)
    starts = range(0, len(pixels), rows)
    seconds = max(patience, settings.ENGINE_SECONDS) + ANSWER_SECONDS
    parts = [_vectors_in(_ask("POST", "/embed", query, pixels[start : start + rows], seconds)) for start in starts]
    names = {key: str(encoder.model) for key, encoder in encoders.items()}
    return {
        key: np.concatenate([part[name] for part in parts])
        for key, name in names.items()
        if all(name in part for part in parts)
    }


def why_pytorch(model: Model) -> str:
    """Return why PyTorch embeds with a model on the encoder's host, "" where it does not.

    Raises:
        Busy: it does not answer at once.
    """
    answer = _ask("GET", f"/models/{model.pk}", {}, seconds=CONNECT_SECONDS)
    try:
        return str(answer.json()["why_pytorch"])
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable(answer) from error


def check_encoder() -> None:
    """Raise EncoderAway where the encoder is not ready to embed, or takes this host for a stranger."""
    try:
        answer = _client().get("/readyz", timeout=CONNECT_SECONDS)
        known = _client().get("/known", timeout=CONNECT_SECONDS, headers={"Authorization": authorization()})
    except httpx.RequestError as error:
        raise EncoderAway(f"{settings.ENCODER_URL} does not answer: {error!r}") from error
    if answer.status_code != httpx.codes.OK:
        raise EncoderAway(f"{settings.ENCODER_URL} is not ready: {answer.text[:500]}")
    if known.status_code == httpx.codes.UNAUTHORIZED:
        raise EncoderAway(f"{settings.ENCODER_URL} refuses this host: its SECRET_KEY differs, or its clock")


@lru_cache
def _client_of(url: str) -> httpx.Client:
    limits = httpx.Limits(max_connections=settings.WEB_THREADS, max_keepalive_connections=settings.WEB_THREADS)
    return httpx.Client(base_url=url, limits=limits, trust_env=False)


def _client() -> httpx.Client:
    return _client_of(settings.ENCODER_URL)


def _ask(
    method: str, path: str, query: Mapping[str, object], pixels: Squares | None = None, seconds: float = ANSWER_SECONDS
) -> httpx.Response:
    """Return a good answer of the encoder; what it says instead is raised.

    At most half of this process's threads ask at once: pages go on however long the encoder takes.
    """
    if not _callers.acquire(blocking=False):
        raise Busy(CROWD)
    try:
        return _asked(method, path, query, pixels, seconds)
    finally:
        _callers.release()


def _asked(
    method: str, path: str, query: Mapping[str, object], pixels: Squares | None, seconds: float
) -> httpx.Response:
    if not pause.may_ask():
        raise EncoderAway(AWAY)
    timeout = httpx.Timeout(seconds, connect=CONNECT_SECONDS)
    request = _client().build_request(
        method,
        path,
        params=query,  # type: ignore[arg-type]
        content=b"" if pixels is None else np.ascontiguousarray(pixels).tobytes(),
        headers={"Authorization": authorization(), **_request_id()},
        timeout=timeout,
    )
    try:
        answer = _sent(request)
    except httpx.ReadTimeout as error:
        if _is_alive():
            raise ModelUnavailable(SLOW) from error
        raise _silent(error) from error
    except httpx.RequestError as error:
        raise _silent(error) from error
    pause.end()
    if answer.status_code != httpx.codes.OK:
        raise _error_in(answer)
    return answer


def _request_id() -> dict[str, str]:
    """Return the header by which the encoder's log records name the request that this process answers."""
    request = request_at_hand()
    return {} if request is None else {request_ids.HEADER: str(getattr(request, "request_id", ""))}


def _sent(request: httpx.Request) -> httpx.Response:
    """Send it; once more where a connection that was kept has ended meanwhile, as when the encoder starts again."""
    try:
        return _client().send(request)
    except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
        return _client().send(request)


def _is_alive() -> bool:
    try:
        return _client().get("/livez", timeout=ALIVE_SECONDS).is_success
    except httpx.RequestError:
        return False


def _silent(error: Exception) -> EncoderAway:
    pause.begin()
    logger.warning("the encoder at %s does not answer: %r", settings.ENCODER_URL, error)
    return EncoderAway(AWAY)


def _vectors_in(answer: httpx.Response) -> dict[str, Floats]:
    try:
        return load(answer.content)
    except SafetensorError as error:
        raise _unreadable(answer) from error


def _error_in(answer: httpx.Response) -> Exception:
    """Return the error that an answer is."""
    try:
        told = answer.json()
        name, message = told["error"], str(told["message"])
        if name in PASSING:
            return PASSING[name](message, retry_after=told.get("retry_after"))
        if name not in LASTING and told.get("retry_after"):  # a service that the encoder needs is away
            return Busy(message, retry_after=told["retry_after"])
        return LASTING[name](message)
    except (KeyError, TypeError, ValueError):
        return _unreadable(answer)


def _unreadable(answer: httpx.Response) -> EncoderAway:
    """Return what people are told of an answer that no encoder of this site gives; the log has the rest."""
    logger.error("the encoder at %s answers %s: %.500s", settings.ENCODER_URL, answer.status_code, answer.text)
    return EncoderAway(AWAY)
