"""Kinds of jobs for tests, and a broker that notes what it was given."""

from collections.abc import Iterator
from typing import Any

import pytest

from accounts.roles import Role
from config.celery import app
from jobs import context, registry
from jobs.models import Job
from jobs.registry import Handler, register


@pytest.fixture(autouse=True)
def kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each test register what it likes."""
    monkeypatch.setattr(registry, "KINDS", {})


@pytest.fixture(autouse=True)
def running_worker() -> Iterator[None]:
    """Let no test leave the process marked as shutting down."""
    context._interrupted.clear()
    yield
    context._interrupted.clear()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The ids of the jobs that were handed to the broker."""
    ids: list[int] = []

    def send_task(name: str, args: list[int], **options: Any) -> None:
        assert name == "jobs.run"
        ids.extend(args)

    monkeypatch.setattr(app, "send_task", send_task)
    return ids


def queued(handler: Handler, least: Role = Role.MEMBER, **fields: Any) -> Job:
    """Return a queued job that `handler` will do."""
    register("kind", handler, least=least)
    return Job.objects.create(kind="kind", **fields)


def nothing(context: object) -> None:
    """Do nothing: the handler of jobs that need none."""
