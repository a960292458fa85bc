"""Variants of one test that take turns, where all of them at every change would take too long."""

from collections.abc import Iterable

import pytest


def take_turns(tests: Iterable[list[pytest.Item]]) -> None:
    """Of each test's variants keep one, of the next test the next one; `make ci-full` runs the others too."""
    for turn, variants in enumerate(tests):
        for number, item in enumerate(variants):
            if number != turn % len(variants):
                item.add_marker("full")
