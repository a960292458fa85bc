"""The help of every command: `kindred`, `python -m mlcore`, and the site's own of `manage.py`."""

import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from kindred_client.cli import kindred
from mlcore.cli import _parser
from tests.snapshots.commands import of_argparse, of_click, of_django
from tests.snapshots.stored import compare, compare_names


def of_manage() -> Iterator[str]:
    """Yield the help of the commands of this project's apps."""
    for name, app in sorted(get_commands().items()):
        command = load_command_class(app, name)
        if "site-packages" not in Path(inspect.getfile(type(command))).parts:
            yield from of_django(name, command)
            yield ""


PROGRAMS = {
    "kindred": lambda: of_click(kindred, "kindred"),
    "manage": of_manage,
    "mlcore": lambda: of_argparse(_parser()),
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_help(program: str) -> None:
    compare(f"help/{program}.txt", "\n".join(PROGRAMS[program]()) + "\n")


def test_every_stored_help_is_of_a_program() -> None:
    compare_names("help", PROGRAMS)
