from collections.abc import Iterator

import pytest

from tests.config.records import Records


@pytest.fixture
def records() -> Iterator[Records]:
    """The log records of a test."""
    kept = Records()
    yield kept
    kept.close()
