"""Few processes, each for one caller at a time; nobody waits for another model, nor longer than they want."""

import threading
import time
from typing import Any

import pytest

from retrieval.errors import ModelUnavailable
from retrieval.registry.services.encoder_pool import EncoderPool


class Process:
    """What the pool sees of a process."""

    def __init__(self, started: list[Any]) -> None:
        self.has_ended = False
        started.append(self)

    def close(self) -> None:
        self.has_ended = True


@pytest.fixture
def started() -> list[Any]:
    return []


def test_a_process_is_started_once_and_again_when_it_has_ended(started: list[Any]) -> None:
    pool = EncoderPool(2, 2)
    for _ in range(2):
        with pool.process("a", lambda: Process(started), 0) as process:
            assert process is started[0]
    started[0].has_ended = True
    with pool.process("a", lambda: Process(started), 0) as process:
        assert process is started[1]
    pool.close()
    assert all(process.has_ended for process in started)


def test_the_least_recently_used_idle_process_ends_for_another_model(started: list[Any]) -> None:
    pool = EncoderPool(2, 2)
    for key in "aba":
        with pool.process(key, lambda: Process(started), 0):
            pass
    with pool.process("c", lambda: Process(started), 0):
        assert [process.has_ended for process in started] == [False, True, False]


def test_callers_of_one_model_wait_and_are_bounded_while_another_model_is_served(started: list[Any]) -> None:
    pool, entered, release = EncoderPool(2, 2), threading.Event(), threading.Event()

    def hang() -> None:
        with pool.process("slow", lambda: Process(started), 0):
            entered.set()
            release.wait(30)

    thread = threading.Thread(target=hang)
    thread.start()
    assert entered.wait(10)
    with pytest.raises(ModelUnavailable), pool.process("slow", lambda: Process(started), 0.05):
        pytest.fail("it was free")
    with pool.process("quick", lambda: Process(started), 0):
        assert len(started) == 2
        with pytest.raises(ModelUnavailable), pool.process("third", lambda: Process(started), 0.05):
            pytest.fail("there was no process for it")
    waiting = threading.Thread(target=lambda: pool.process("slow", lambda: Process(started), 20).__enter__())
    waiting.start()
    while pool._places["slow"].callers < 2:
        time.sleep(0.005)
    with pytest.raises(ModelUnavailable) as busy, pool.process("slow", lambda: Process(started), 60):
        pytest.fail("nobody may join so long a queue")
    assert busy.value.retry_after >= 1
    release.set()
    thread.join()
    waiting.join()


def test_a_process_that_cannot_start_gives_its_place_back(started: list[Any]) -> None:
    pool = EncoderPool(1, 1)

    def fail() -> Any:
        raise OSError("disk")

    for _ in range(3):
        with pytest.raises(OSError, match="disk"), pool.process("a", fail, 0):
            pytest.fail("it never started")
    with pool.process("b", lambda: Process(started), 0):
        assert len(started) == 1
