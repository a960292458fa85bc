"""Output of the commands: one document on standard output; bars, lines and errors on standard error."""

import json
import sys
from collections.abc import Mapping
from typing import Any


def emit(event: Mapping[str, object]) -> None:
    """Print one event as a line of JSON."""
    print(json.dumps(event), flush=True)


def readable(result: Any) -> str:
    """Return a result, a mapping or a list of them, as text for people."""
    if isinstance(result, list):
        return "\n\n".join(readable(row) for row in result)
    return "\n".join(f"{key:<22} {value}" for key, value in result.items())


class Bar:
    """A progress bar on standard error; silent where that is not a terminal."""

    def __init__(self) -> None:
        self.bar: Any = None
        self.phase = ""

    def __call__(self, phase: str, done: int, total: int) -> None:
        from tqdm import tqdm

        if phase != self.phase:
            self.close()
            self.phase = phase
            self.bar = tqdm(total=total, desc=phase, disable=not sys.stderr.isatty(), leave=False)
        self.bar.n = done
        self.bar.refresh()

    def close(self) -> None:
        """Remove the bar."""
        if self.bar is not None:
            self.bar.close()
        self.bar, self.phase = None, ""  # the same phase may come again, after a line about an epoch
