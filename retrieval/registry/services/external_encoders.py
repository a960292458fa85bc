"""Encoders of external models: each embeds in its own process, and repeated failures suspend the model."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

import numpy as np
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from numpy.typing import NDArray

from accounts import audit
from accounts.models import User
from mlcore.errors import EncoderEnded, ExplanationError, MlcoreError, WeightsError
from mlcore.images.preprocessing import Preprocessing
from mlcore.inference.encoder_process import EncoderProcess, ProcessLimits
from mlcore.inference.encoder_protocol import PictureEncoder
from mlcore.inference.explanation import Explanation
from mlcore.inference.model_files import read_description
from retrieval.errors import ModelSuspended, ModelUnavailable
from retrieval.models import Model
from retrieval.registry.services.encoder_pool import EncoderPool

T = TypeVar("T")
PROBLEM_LENGTH = 300  # what the database's column holds

pool = EncoderPool(settings.ENCODER_PROCESSES, settings.ENCODER_QUEUE)


class ExternalEncoder(PictureEncoder):
    """The encoder of an external model; it starts a process when the first picture comes.

    Every call raises ModelUnavailable where there is no embedding now, and counts why against the model.
    """

    def __init__(self, model: Model, processes: EncoderPool, patience: float = 0) -> None:
        description = read_description(model.folder)
        super().__init__(Preprocessing.from_json(description["preprocessing"]), description["weights_sha256"])
        self._model, self._processes, self.patience = model, processes, patience

    @property
    def dim(self) -> int:
        """Length of an embedding."""
        return self._model.dim

    def embed_pixels(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return unit-length embeddings [N, dim] of prepared squares [N, crop, crop, 3]."""
        return self._call(lambda process: process.embed_pixels(pixels))

    def explain_pixels(self, pixels: NDArray[np.uint8]) -> Explanation:
        """Return how much each cell of two prepared squares [2, crop, crop, 3] contributes to their similarity.

        Raises:
            ExplanationError: the network does not show its cells.
        """
        return self._call(lambda process: process.explain_pixels(pixels))

    def _call(self, work: Callable[[EncoderProcess], T]) -> T:
        patience = max(self.patience, settings.ENGINE_SECONDS)
        start = partial(EncoderProcess, self._model.folder, _limits(), settings.TORCH_THREADS)
        with _counted(self._model), self._processes.process(self._model.pk, start, patience) as process:
            return work(process)


def external_encoder(model: Model) -> ExternalEncoder:
    """Return the encoder of an external model for searches.

    Raises:
        ModelSuspended: it failed too often; a curator can resume it.
        CheckpointError: its files are damaged.
    """
    _require_active(model)
    return ExternalEncoder(model, pool)


@contextmanager
def encoder_for_job(model: Model) -> Iterator[ExternalEncoder]:
    """Yield the encoder of an external model; its process ends with the block. Raises as `external_encoder`."""
    _require_active(model)
    processes = EncoderPool(1, 1)
    try:
        yield ExternalEncoder(model, processes)
    finally:
        processes.close()


def _limits() -> ProcessLimits:
    return ProcessLimits(settings.ENCODER_START_SECONDS, settings.ENCODER_SECONDS, settings.ENCODER_BYTES)


def _require_active(model: Model) -> None:
    if model.suspended_at is not None:
        raise ModelSuspended(f"{model.name} is suspended; a curator can resume it")


@contextmanager
def _counted(model: Model) -> Iterator[None]:
    """Count a failure against the model, and forget earlier ones when it embeds.

    Everybody with the link of a search reads the reason, so the network's own message is stored for curators only.
    """
    try:
        yield
    except ExplanationError:
        raise
    except MlcoreError as error:
        # A network that is refused when it is loaded will be so for ever.
        _count_failure(model, str(error), for_good=isinstance(error, WeightsError))
        reason = str(error) if isinstance(error, EncoderEnded) else "its network failed"
        raise ModelUnavailable(f"{model.name} gave no results: {reason}") from error
    Model.objects.filter(pk=model.pk, suspended_at=None).exclude(encoder_failures=0).update(
        encoder_failures=0, encoder_problem=""
    )


@transaction.atomic
def _count_failure(model: Model, problem: str, *, for_good: bool) -> None:
    """Note a failure; suspend the model, which stays published, once there are too many in a row."""
    logging.getLogger(__name__).warning("model %s gave no embedding: %s", model.pk, problem)
    problem = problem[:PROBLEM_LENGTH]
    row = Model.objects.filter(pk=model.pk, suspended_at=None)
    row.update(encoder_failures=F("encoder_failures") + 1, encoder_problem=problem)
    if not for_good:
        row = row.filter(encoder_failures__gte=settings.ENCODER_FAILURES)
    if row.update(suspended_at=timezone.now()):
        audit.record(None, "suspend-model", model.name, model=model.pk, problem=problem)


@transaction.atomic
def resume(model: Model, *, by: User | None) -> None:
    """Let a suspended model embed again, its failures forgotten; nothing happens to one that is not."""
    if Model.objects.filter(pk=model.pk, suspended_at__isnull=False).update(
        suspended_at=None, encoder_failures=0, encoder_problem=""
    ):
        audit.record(by, "resume-model", model.name, model=model.pk)
