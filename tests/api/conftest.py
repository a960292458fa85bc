"""Who tries what, where everybody on everything would take too long."""

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let each operation be tried by a curator, who reaches most of the code, and by one of the others, in turns.

    `make ci-full` lets everybody try.
    """
    tried: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.name.startswith("test_every_answer_is_as_described["):
            tried.setdefault(item.name.rpartition("[")[0], []).append(item)
    for turn, of_operation in enumerate(tried.values()):
        others = [item for item in of_operation if not item.name.endswith("[curator]")]
        for item in others[turn % 2 :: 2]:
            item.add_marker("full")
