"""A map over many pictures in a few threads, with the results in order."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Question = TypeVar("Question")
Answer = TypeVar("Answer")

THREADS = 2  # Pillow decodes without the interpreter lock; more threads would starve a serving machine
_AHEAD = 8  # bounds the decoded pictures held at once


def in_order(work: Callable[[Question], Answer], questions: Iterable[Question]) -> Generator[Answer, None, None]:
    """Yield work(question) for each question, in order, from a few threads.

    When an answer raises or the generator is closed, what has not begun is dropped.
    """
    pending: deque[Future[Answer]] = deque()
    executor = ThreadPoolExecutor(THREADS)
    try:
        for question in questions:
            pending.append(executor.submit(work, question))
            if len(pending) >= _AHEAD:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        executor.shutdown(wait=True, cancel_futures=True)
