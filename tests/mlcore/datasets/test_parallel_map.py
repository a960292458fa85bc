"""Threads may finish in any order; answers may not."""

import threading
import time
from contextlib import closing

import pytest

from mlcore.datasets.parallel_map import in_order


def test_answers_come_in_the_order_of_questions() -> None:
    def work(number: int) -> int:
        time.sleep(0.002 * (number % 3))
        return number * number

    assert list(in_order(work, range(30))) == [number * number for number in range(30)]


def test_no_question_gives_no_answer() -> None:
    assert list(in_order(str, [])) == []


def test_error_reaches_the_caller_at_its_place() -> None:
    answers = in_order(lambda number: 1 // (3 - number), range(10))
    assert [next(answers) for _ in range(3)] == [0, 0, 1]
    with pytest.raises(ZeroDivisionError):
        next(answers)


def test_work_ahead_is_bounded_and_dropped_when_closed() -> None:
    begun: list[int] = []
    before = threading.active_count()

    def work(number: int) -> None:
        begun.append(number)
        time.sleep(0.03)

    with closing(in_order(work, range(1000))) as answers:
        next(answers)
    assert len(begun) < 8  # that many were waiting
    assert threading.active_count() == before
