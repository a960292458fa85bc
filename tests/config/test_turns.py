"""Turns: how many threads have one, and in which order the others follow."""

import threading
import time
from collections.abc import Callable
from functools import partial

from config.turns import Turns

SECONDS = 10  # that a test waits before it fails


class Threads:
    """Threads that are started one after the other, and what they noted."""

    def __init__(self) -> None:
        self.noted: list[str] = []
        self.all: list[threading.Thread] = []

    def start(self, work: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=work, daemon=True)
        self.all.append(thread)
        thread.start()
        return thread

    def end(self) -> list[str]:
        for thread in self.all:
            thread.join(SECONDS)
            assert not thread.is_alive()
        return self.noted


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_the_others_follow_in_the_order_in_which_they_came() -> None:
    turns, threads, gate = Turns(1), Threads(), threading.Event()

    def search(name: str) -> None:
        with turns.taken():
            threads.noted.append(name)
            assert gate.wait(SECONDS)

    def have_come(count: int) -> bool:
        return len(threads.noted) + len(turns._new) == count

    for number, name in enumerate("abcdef", 1):
        threads.start(partial(search, name))
        until(partial(have_come, number))
    assert threads.noted == ["a"]
    gate.set()
    assert threads.end() == [*"abcdef"]


def test_so_many_have_a_turn_at_once() -> None:
    turns, threads, both = Turns(2), Threads(), threading.Barrier(2)

    def search() -> None:
        with turns.taken():
            both.wait(SECONDS)  # broken unless another is here
            threads.noted.append("met")

    for _ in range(4):
        threads.start(search)
    assert threads.end() == ["met"] * 4


def test_who_waits_for_something_else_lets_another_compute_and_then_goes_first() -> None:
    turns, threads = Turns(1), Threads()
    waits, answered, computes, ended = (threading.Event() for _ in range(4))

    def first() -> None:
        with turns.taken():
            with turns.left():
                waits.set()
                assert answered.wait(SECONDS)
            threads.noted.append("first goes on")

    def second() -> None:
        with turns.taken():
            computes.set()
            assert ended.wait(SECONDS)
        threads.noted.append("second ended")

    def third() -> None:
        with turns.taken():
            threads.noted.append("third")

    threads.start(first)
    assert waits.wait(SECONDS)
    threads.start(second)
    assert computes.wait(SECONDS)
    threads.start(third)
    until(lambda: len(turns._new) == 1)
    answered.set()
    until(lambda: len(turns._back) == 1)
    ended.set()
    noted = threads.end()
    assert noted.index("first goes on") < noted.index("third") and len(noted) == 3


def test_a_thread_has_one_turn_and_leaves_only_its_own() -> None:
    turns = Turns(1)
    with turns.left():  # has none
        assert turns._free == 1
    with turns.taken(), turns.taken():
        assert turns._free == 0
        with turns.left(), turns.left():
            assert turns._free == 1
        assert turns._free == 0
    assert turns._free == 1


def test_who_passes_the_turn_on_goes_after_one_who_waits() -> None:
    turns, threads, waits = Turns(1), Threads(), threading.Event()

    def first() -> None:
        with turns.taken():
            turns.pass_on()  # nobody waits
            threads.noted.append("first")
            assert waits.wait(SECONDS)
            turns.pass_on()
            threads.noted.append("first goes on")

    def second() -> None:
        with turns.taken():
            threads.noted.append("second")

    threads.start(first)
    until(lambda: threads.noted == ["first"])
    threads.start(second)
    until(lambda: len(turns._new) == 1)
    waits.set()
    assert threads.end() == ["first", "second", "first goes on"]


def test_an_error_gives_the_turn_back() -> None:
    turns = Turns(1)
    for block in (turns.taken, turns.left):
        try:
            with turns.taken(), block():
                raise KeyError
        except KeyError:
            assert turns._free == 1
