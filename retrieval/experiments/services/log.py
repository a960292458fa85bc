"""The log of a run: the last lines of its training with the time of day."""

import time
from collections import deque
from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from jobs.patience import patiently
from retrieval.models import Run

LINES = 100
LONGEST_LINE = 400
WRITE_EVERY = 1.0  # seconds; a chatty child must not keep the database busy


class RunLog:
    """Collects lines and stores the last of them in the run's row; a retry appends to the earlier ones."""

    def __init__(self, run: Run) -> None:
        self._run = run.pk
        self._lines = deque(run.log.splitlines(), maxlen=LINES)
        self._phase = ""
        self._written_at = 0.0

    def hear(self, event: Mapping[str, Any]) -> None:
        """Note a new phase, or an epoch's end with its warnings."""
        if event["event"] == "progress" and event["phase"] != self._phase:
            self._phase = event["phase"]
            self.add(f"{self._phase} begins")
        elif event["event"] == "epoch":
            speed = f", {event['images_per_second']:g} pictures a second" if "images_per_second" in event else ""
            self.add(f"epoch {event['epoch']} of {event['epochs']}: loss {event['loss']:.4f}{speed}")
            for warning in event.get("warnings", ()):
                self.add(f"warning: {warning}")

    def add(self, line: str) -> None:
        """Note a line, with the time of day."""
        self._lines.append(f"{timezone.localtime():%H:%M:%S} {line[:LONGEST_LINE]}")
        if time.monotonic() - self._written_at > WRITE_EVERY:
            self.store()

    def store(self) -> None:
        """Write the lines into the run's row."""
        self._written_at = time.monotonic()
        patiently(lambda: Run.objects.filter(pk=self._run).update(log="\n".join(self._lines)))
