"""Who tries what, where everybody on everything would take too long."""

from collections import defaultdict

import pytest

from tests.api.description import PREFIX
from tests.api.policy import POLICY
from tests.turns import take_turns

FUZZED = "test_every_answer_is_as_described["
REFUSED_TO_MEMBERS = {f"{row.method} {PREFIX}{row.path}" for row in POLICY if row.expected["member"] == 403}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let one who may try each operation: what only curators may, a curator; the rest, a member or curator in turns."""
    tried: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if item.name.startswith(FUZZED):
            operation, _, caller = item.name.removeprefix(FUZZED).removesuffix("]").rpartition("][")
            if operation in REFUSED_TO_MEMBERS and caller != "curator":
                item.add_marker("full")
            elif caller != "stranger":
                tried[operation].append(item)
    take_turns(tried.values())
