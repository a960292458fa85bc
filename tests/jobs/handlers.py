"""Kinds of jobs that only tests have. `tests.jobs.worker_app` registers them in real workers."""

import sys
import time
from pathlib import Path
from typing import Any

from accounts.roles import Role
from jobs.children import run_child
from jobs.context import JobContext
from jobs.registry import KINDS, register

ROOT = Path(__file__).resolve().parents[2]


def echo(context: JobContext, **payload: Any) -> dict[str, Any]:
    """Give the payload back."""
    return payload


def walk(context: JobContext, folder: str, steps: int, seconds: float = 0.1) -> dict[str, Any]:
    """Take some steps, reporting each; note the end, so that a second end would be seen."""
    for step in range(steps):
        context.progress("walking", step, steps)
        time.sleep(seconds)
    return ended(context, folder)


def walk_in_child(context: JobContext, folder: str, steps: int) -> dict[str, Any]:
    """Take the steps in a child process."""
    argv = [sys.executable, "-m", "tests.jobs.child", folder, str(steps)]
    run_child(
        argv,
        on_event=lambda event: context.progress("walking", event["step"], steps),
        should_stop=context.should_stop,
        cwd=ROOT,
    )
    return ended(context, folder)


def ended(context: JobContext, folder: str) -> dict[str, Any]:
    with (Path(folder) / "ends").open("a") as file:
        file.write(f"{context.attempt}\n")
    return {"attempt": context.attempt}


def register_all() -> None:
    """Register the kinds, as an app's `ready()` would."""
    for handler in (echo, walk, walk_in_child):
        name = f"test.{handler.__name__}"
        if name not in KINDS:
            register(name, handler, least=Role.MEMBER)
