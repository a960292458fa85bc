"""Writes of a running job wait for a database that is away, and for nothing else."""

from collections.abc import Iterator

import pytest
from django.db import OperationalError, transaction

from jobs import patience
from jobs.patience import patiently

AWAY = OperationalError("server closed the connection unexpectedly")


class Database:
    """Raises what is planned, then answers."""

    def __init__(self, *planned: Exception) -> None:
        self.planned, self.asked = list(planned), 0

    def write(self) -> str:
        self.asked += 1
        if self.planned:
            raise self.planned.pop(0)
        return "written"


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(patience, "PAUSE", 0.0)
    yield


@pytest.mark.django_db(transaction=True)
def test_a_write_is_tried_again_until_the_database_is_back() -> None:
    database = Database(AWAY, AWAY)
    assert patiently(database.write) == "written" and database.asked == 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("wrong", [OperationalError("no such table: x"), ValueError("x")])
def test_other_errors_pass_at_once(wrong: Exception) -> None:
    database = Database(wrong)
    with pytest.raises(type(wrong)):
        patiently(database.write)
    assert database.asked == 1


@pytest.mark.django_db(transaction=True)
def test_it_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "SECONDS", -1.0)
    with pytest.raises(OperationalError):
        patiently(Database(AWAY).write)


@pytest.mark.django_db(transaction=True)
def test_a_transaction_sees_the_error_itself() -> None:
    database = Database(AWAY)
    with pytest.raises(OperationalError), transaction.atomic():
        patiently(database.write)
    assert database.asked == 1
