"""The stored texts: compared with those of today, or written anew by `make snapshots`."""

import difflib
import os
from collections.abc import Iterable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
RENEWING = bool(os.environ.get("KINDRED_RENEW_SNAPSHOTS"))
REMEDY = "If that is meant, run `make snapshots` and commit what it changes."


def compare(name: str, text: str) -> None:
    """Fail with a diff where the stored text differs from `text`, or is missing."""
    file = HERE / name
    if RENEWING:
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        return
    if not file.is_file():
        pytest.fail(f"{name} is not stored yet. {REMEDY}", pytrace=False)
    if (before := file.read_text()) != text:
        lines = difflib.unified_diff(before.splitlines(), text.splitlines(), f"{name}, stored", "today", lineterm="")
        pytest.fail("\n".join([*lines, REMEDY]), pytrace=False)


def compare_names(folder: str, names: Iterable[str]) -> None:
    """Fail where a folder holds a text that nothing makes any more; a missing one fails by itself."""
    surplus = {file.name for file in (HERE / folder).iterdir()} - {f"{name}.txt" for name in names}
    if RENEWING:
        for name in surplus:
            (HERE / folder / name).unlink()
    elif surplus:
        pytest.fail(f"nothing makes {', '.join(sorted(surplus))} any more. {REMEDY}", pytrace=False)
