"""Every fault of the table, done to a running site: `python -m tests.faults NAME`."""

import inspect
from importlib import import_module

import pytest

from tests.faults.counting import settle
from tests.faults.stack import Stack
from tests.faults.table import FAULTS, TABLE, Fault


@pytest.mark.faults
@pytest.mark.parametrize("fault", list(FAULTS), indirect=True)
def test_fault(fault: Fault, stack: Stack) -> None:
    function_of(fault)(stack)
    settle(stack)


def function_of(fault: Fault):  # type: ignore[no-untyped-def]
    return getattr(import_module(f"tests.faults.{fault.family}"), fault.name.replace("-", "_"))


def test_every_fault_of_the_table_is_a_function_and_the_other_way_round() -> None:
    assert len(FAULTS) == len(TABLE), "no name is there twice"
    for family in {fault.family for fault in TABLE}:
        module = import_module(f"tests.faults.{family}")
        functions = {
            name.replace("_", "-")
            for name, thing in inspect.getmembers(module, inspect.isfunction)
            if thing.__module__ == module.__name__ and not name.startswith("_")
        }
        assert functions == {fault.name for fault in TABLE if fault.family == family}
