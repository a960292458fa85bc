"""Several processes on one comparison: each runs the cells that no other has."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from mlcore.errors import ComparisonError, Stopped

POLL_SECONDS = 0.2


def run_workers(arguments: Sequence[str], count: int, should_stop: Callable[[], bool]) -> None:
    """Run `python -m mlcore ARGUMENTS --child --threads N` in `count` processes, and wait for all.

    The cores are shared out among them: more threads than cores slow every one of them down. A child ends
    when this process does, however it ends.

    Raises:
        Stopped: `should_stop` said so; each child stopped at a safe point.
        ComparisonError: a child ended badly.
    """
    threads = max(1, (os.cpu_count() or 1) // count)
    command = [sys.executable, "-m", "mlcore", *arguments, "--child", "--threads", str(threads)]
    # A session of their own: Ctrl-C reaches them through this process alone, once.
    children = [subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) for _ in range(count)]
    asked = False
    try:
        while any(child.poll() is None for child in children):
            if should_stop() and not asked:
                asked = True
                for child in children:
                    child.terminate()
            time.sleep(POLL_SECONDS)
    finally:
        for child in children:
            if child.stdin is not None:
                child.stdin.close()
            child.wait()
    if asked:
        raise Stopped("stopped by a signal; run the same command again to resume")
    bad = [child.returncode for child in children if child.returncode]
    if bad:
        raise ComparisonError(f"{len(bad)} of {count} workers ended badly, with status {bad[0]}; see above")
