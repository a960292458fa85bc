"""TrainingSetup: everything that one training consists of, in one frozen object."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mlcore.config import Protocol
from mlcore.errors import Stopped
from mlcore.events import Event
from mlcore.inference.encode import Encoder, Floats
from mlcore.runs import RunSpec
from mlcore.training.distributed import ALONE, ProcessGroup
from mlcore.training.run_data import RunData


@dataclass(frozen=True)
class RunPaths:
    """The folders of a run: `out` appears whole at the end, `work` holds checkpoints, `cache` is shared."""

    out: Path
    work: Path
    cache: Path


@dataclass(frozen=True)
class TrainingCallbacks:
    """Functions that receive a run's events and may stop it."""

    on_event: Callable[[Event], None] = lambda event: None
    should_stop: Callable[[], bool] = lambda: False

    def progress(self, phase: str, done: int, total: int) -> None:
        """Report a step of a phase. Raises Stopped when `should_stop` says so."""
        if self.should_stop():
            raise Stopped("stopped before the end; start it again to resume after the last complete epoch")
        self.on_event({"event": "progress", "phase": phase, "done": done, "total": total})


@dataclass(frozen=True, kw_only=True)
class TrainingSetup:
    """One training: its run, pictures, network, folders, callbacks, and the processes that share it.

    features [N, F]: pooled features of every picture of the data set; None where the network sees pictures.
    """

    spec: RunSpec
    data: RunData
    encoder: Encoder
    paths: RunPaths
    callbacks: TrainingCallbacks = field(default_factory=TrainingCallbacks)
    group: ProcessGroup = ALONE
    features: Floats | None = None

    @property
    def protocol(self) -> Protocol:
        """The protocol of the run."""
        return self.spec.protocol
