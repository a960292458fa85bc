"""Signals of a training process: stop at a safe point, and end with the parent process."""

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

PR_SET_PDEATHSIG = 1


def stop_on_signal() -> Callable[[], bool]:
    """Turn SIGTERM and SIGINT into a question: the returned function says whether one came.

    A second signal ends the process at once.
    """
    asked = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            os._exit(128 + number)
        asked.set()

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
    return asked.is_set


def die_with_parent() -> None:
    """End this process when its parent ends, however it ends: for children of a worker.

    Linux sends SIGKILL (the parent is gone: nobody is there to stop gently for). Everywhere, the end
    of standard input, which the parent holds open, does the same.
    """
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the request was in place
            os._exit(1)
    threading.Thread(target=_exit_at_end_of_input, daemon=True).start()


def _exit_at_end_of_input() -> None:
    while os.read(0, 4096):
        pass
    os._exit(1)
