import errno

import pytest
from django.db import OperationalError

from config.overload import is_disk_full


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
