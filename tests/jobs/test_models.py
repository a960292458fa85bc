from typing import Any

import pytest
from django.db import IntegrityError
from django.utils import timezone

from jobs.models import Job

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.mark.parametrize(
    "fields",
    [
        {"state": "lost"},
        {"queue": "gpu"},
        {"max_attempts": 0},
        {"done": -1},
        {"state": "failed"},  # without the time it finished
        {"finished_at": timezone.now()},  # though it is queued
        {"state": "running", "attempt": 1},  # without a heartbeat: no sweep would ever take it back
    ],
)
def test_the_database_refuses_what_makes_no_sense(fields: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError):
        Job.objects.create(kind="kind", **fields)


def test_the_database_refuses_a_second_active_job_with_the_key_but_not_without_one() -> None:
    Job.objects.create(kind="kind", key="index-7")
    Job.objects.create(kind="kind")
    Job.objects.create(kind="kind")
    with pytest.raises(IntegrityError):
        Job.objects.create(kind="kind", key="index-7")


@pytest.mark.parametrize(("done", "total", "percent"), [(0, 0, None), (1, 3, 33), (4, 3, 100)])
def test_percent_is_known_when_the_total_is(done: int, total: int, percent: int | None) -> None:
    assert Job(done=done, total=total).percent == percent
