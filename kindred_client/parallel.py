"""Several requests at once, their answers in order, and never many of them waiting."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


def in_order(function: Callable[[A], B], items: Iterable[A], *, workers: int) -> Iterator[B]:
    """Yield what `function` makes of each item, in order; reads the items only as far ahead as is worked on.

    The first that raises ends it: what was not begun is not begun.
    """
    if workers < 1:
        raise ValueError(f"workers must be at least 1, got {workers}")
    pool = ThreadPoolExecutor(workers, thread_name_prefix="kindred")
    going: deque[Future[B]] = deque()
    try:
        for item in items:
            going.append(pool.submit(function, item))
            if len(going) >= 2 * workers:  # enough that nobody idles while the first is waited for
                yield going.popleft().result()
        while going:
            yield going.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
