"""The progress callback of long work, and the events that a training reports."""

from collections.abc import Callable, Mapping
from typing import Any, TypedDict

Progress = Callable[[str, int, int], None]
"""Called as progress(phase, done, total); total 0 means unknown. May raise Stopped."""


class Event(TypedDict, total=False):
    """One report of a training or a tuning, as a line of JSON; `event` is its kind, which says what else it has.

    progress: phase, done, total. epoch: the keys from `epoch` to `validation`. trial: done, total, map_at_r.
    error: message. metrics: beside it every metric of the finished run.
    """

    event: str
    phase: str
    done: int
    total: int
    epoch: int
    epochs: int
    step: int
    loss: float
    network_gradient_norm: float
    proxy_gradient_norm: float
    positive_cosine: float
    negative_cosine: float
    learning_rate: float
    images_per_second: float
    seconds: float
    warnings: list[str]
    validation: Mapping[str, Any]
    map_at_r: float | None
    message: str


def no_progress(phase: str, done: int, total: int) -> None:
    """Ignore the report: the default callback."""
