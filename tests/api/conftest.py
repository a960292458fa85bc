"""Who tries what, where everybody on everything would take too long."""

import pytest

from tests.turns import take_turns


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let each operation be tried by a curator, who reaches most of the code, and by one of the others, in turns."""
    others: dict[str, list[pytest.Item]] = {}
    for item in items:
        operation, _, caller = item.name.rpartition("[")
        if operation.startswith("test_every_answer_is_as_described[") and caller != "curator]":
            others.setdefault(operation, []).append(item)
    take_turns(others.values())
