"""Files of this machine on their way to the server."""

from contextlib import ExitStack
from pathlib import Path
from typing import IO

Part = tuple[str, tuple[str, IO[bytes]]]


def opened(field: str, path: str | Path, stack: ExitStack) -> Part:
    """Return a file as a part of a multipart form, open until the stack closes."""
    where = Path(path)
    return field, (where.name, stack.enter_context(where.open("rb")))
