"""A bar on stderr, where somebody may be looking."""

import sys
from typing import Any

from tqdm import tqdm


def shown(progress: bool | None) -> bool:
    """Return whether to show one: as told, else when stderr is a terminal."""
    return sys.stderr.isatty() if progress is None else progress


def bar(what: str, total: int | None, unit: str, *, progress: bool | None) -> Any:
    """Return tqdm's bar, a context manager; a hidden one counts all the same."""
    return tqdm(desc=what, total=total, unit=unit, disable=not shown(progress), file=sys.stderr, leave=False)
