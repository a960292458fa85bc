import errno

import pytest
import redis.exceptions
from django.db import InterfaceError, OperationalError

from config.api.problems import fault_behind
from config.overload import is_away, is_disk_full


def chained(*errors: BaseException) -> BaseException:
    """Return the first error, each being caused by the next."""
    for error, cause in zip(errors, errors[1:], strict=False):
        error.__cause__ = cause
    return errors[0]


@pytest.mark.parametrize(
    "full", [OSError(errno.ENOSPC, "x"), OSError(errno.EDQUOT, "x"), OperationalError("database or disk is full")]
)
def test_full_storage_is_told_by_any_cause(full: Exception) -> None:
    assert is_disk_full(full) and is_disk_full(chained(ValueError(), KeyError(), full))
    assert not is_disk_full(None) and not is_disk_full(chained(ValueError(), OSError(errno.EIO, "x")))


def test_an_error_that_is_its_own_cause_ends_the_look() -> None:
    """gRPC clients write `raise error from error`; a request that met one took its thread for ever."""
    itself = ValueError()
    itself.__cause__ = itself
    first, second = KeyError(), TypeError()
    first.__cause__, second.__cause__ = second, first
    assert not is_disk_full(itself) and not is_disk_full(first) and not is_disk_full(chained(OSError(), itself))


class Coded(Exception):
    """What psycopg raises: with PostgreSQL's code."""

    def __init__(self, code: str | None) -> None:
        super().__init__()
        self.pgcode = code


def refused(sentence: str, code: str | None = None) -> OperationalError:
    error = OperationalError(sentence)
    error.__cause__ = Coded(code)
    return error


@pytest.mark.parametrize(
    "away",
    [
        refused('connection to server at "127.0.0.1", port 5432 failed: Connection refused'),
        refused("server closed the connection unexpectedly"),
        refused("terminating connection due to administrator command", "57P01"),
        refused("the link broke", "08006"),
        InterfaceError("connection already closed"),
    ],
)
def test_a_database_that_is_away_is_told_from_one_that_is_wrong(away: OperationalError | InterfaceError) -> None:
    assert is_away(away)
    problem = fault_behind(away)
    assert problem is not None and problem.status_code == 503 and problem.wait > 0  # type: ignore[attr-defined]
    assert "does not answer" in str(problem.detail) and "127.0.0.1" not in str(problem.detail)


@pytest.mark.parametrize("wrong", [refused("no such table: x"), refused("syntax error", "42601"), InterfaceError("x")])
def test_other_errors_of_the_database_are_errors_of_the_site(wrong: OperationalError | InterfaceError) -> None:
    assert not is_away(wrong) and fault_behind(wrong) is None


@pytest.mark.parametrize("away", [ConnectionError("Error 111 connecting to 127.0.0.1:6379"), TimeoutError("x")])
def test_a_cache_that_is_away_is_told_from_other_broken_connections(away: Exception) -> None:
    of_redis = getattr(redis.exceptions, type(away).__name__)(str(away))
    problem = fault_behind(of_redis)
    assert problem is not None and problem.status_code == 503 and "127.0.0.1" not in str(problem.detail)
    assert fault_behind(away) is None
