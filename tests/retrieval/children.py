"""What a job's child process does, done in this one: for tests of what comes of it, without torch loaded each time.

That the children themselves start, tell, stop and die is what tests.jobs.test_children, the live tests and those of
tests.retrieval that do not ask for `children_here` show.
"""

import io
import json
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from typing import Any

import pytest

from jobs.children import ChildFailed
from mlcore import process_signals
from mlcore.cli import comparing, main, models

STARTERS = (
    "retrieval.experiments.services.estimates",
    "retrieval.experiments.services.training",
    "retrieval.registry.services.external_models",
    "retrieval.experiments.services.reports",
)


@pytest.fixture
def children_here(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let `python -m mlcore ...` be a call."""
    for starter in STARTERS:
        monkeypatch.setattr(f"{starter}.run_child", run_here)
    for module in (process_signals, comparing, models):
        monkeypatch.setattr(module, "die_with_parent", lambda: None)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def run_here(argv: Sequence[str], *, on_event: Callable[[dict[str, Any]], None], **options: Any) -> None:
    """Run the command of a child and tell its events; raise what its parent would."""
    said = io.StringIO()
    with redirect_stdout(said):
        status = main(argv[argv.index("mlcore") + 1 :])
    events = [json.loads(line) for line in said.getvalue().splitlines() if line.startswith("{")]
    for event in events:
        on_event(event)
    if status:
        raise ChildFailed(events[-1]["message"])
