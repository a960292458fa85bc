"""Pictures that wait are embedded together, and nobody waits for ever."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pytest_django import Settings

from config.errors import Busy
from mlcore.images.preprocessing import Preprocessing
from mlcore.inference.encoder_protocol import PictureEncoder
from retrieval.search.services.embedding_queue import MOST_TOGETHER, EmbeddingQueue

POISON = 255
PREPROCESSING = Preprocessing(2, 2, (), ())


class Numbers(PictureEncoder):
    """Gives the first byte of each square as its feature, notes its batches, and fails at a poisoned one."""

    dim = 1

    def __init__(self, trunk: str = "numbers") -> None:
        super().__init__(PREPROCESSING, trunk=trunk)
        self.batches: list[list[int]] = []
        self.open = threading.Event()
        self.open.set()

    def embed_pixels(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        values = pixels[:, 0, 0, 0]
        self.batches.append(values.tolist())
        assert self.open.wait(10)
        if POISON in values:
            raise ValueError("a poisoned picture")
        return values.astype(np.float32)[:, None]


def squares(*values: int) -> NDArray[np.uint8]:
    return np.broadcast_to(np.array(values, np.uint8)[:, None, None, None], (len(values), 2, 2, 3))


class Callers:
    """Threads that ask a queue, and what each of them got."""

    def __init__(self, queue: EmbeddingQueue) -> None:
        self.queue, self.results = queue, dict[int, Any]()
        self.threads: list[threading.Thread] = []

    def ask(self, encoder: PictureEncoder, value: int, patience: float = 0) -> None:
        """Ask in a thread of its own, and return once it waits in the queue or is embedded."""

        def call() -> None:
            try:
                self.results[value] = self.queue.features(encoder, squares(value), patience).tolist()
            except (Busy, ValueError) as error:
                self.results[value] = error

        before = self.queue._pictures
        self.threads.append(threading.Thread(target=call))
        self.threads[-1].start()
        if not patience:
            until(lambda: self.queue._pictures > before or value in self.results)

    def join(self) -> None:
        for thread in self.threads:
            thread.join(10)
            assert not thread.is_alive()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


@pytest.fixture
def callers() -> Iterator[Callers]:
    callers = Callers(EmbeddingQueue())
    yield callers
    callers.join()
    assert callers.queue._pictures == 0 and not callers.queue._waiting and not callers.queue._taken


def test_an_idle_queue_embeds_at_once(callers: Callers) -> None:
    encoder = Numbers()
    assert callers.queue.features(encoder, squares(3, 4)).tolist() == [[3], [4]]
    assert encoder.batches == [[3, 4]]


def test_those_that_wait_are_embedded_together_and_get_their_own(callers: Callers) -> None:
    encoder = Numbers()
    with callers.queue.turn():
        for value in range(10):
            callers.ask(encoder, value)
    callers.join()
    assert encoder.batches == [list(range(10))]
    assert callers.results == {value: [[value]] for value in range(10)}


def test_a_batch_is_bounded_and_takes_the_oldest_first(callers: Callers) -> None:
    encoder, count = Numbers(), MOST_TOGETHER + 5
    with callers.queue.turn():
        for value in range(count):
            callers.ask(encoder, value)
    callers.join()
    assert encoder.batches == [list(range(MOST_TOGETHER)), list(range(MOST_TOGETHER, count))]
    assert callers.results == {value: [[value]] for value in range(count)}


def test_models_of_one_trunk_share_a_batch_and_others_follow(callers: Callers) -> None:
    ours, same, other = Numbers("a"), Numbers("a"), Numbers("b")
    with callers.queue.turn():
        for value, encoder in enumerate((ours, other, same)):
            callers.ask(encoder, value)
    callers.join()
    assert (ours.batches, other.batches, same.batches) == ([[0, 2]], [[1]], [])
    assert callers.results == {value: [[value]] for value in range(3)}


def test_a_request_larger_than_a_batch_and_than_the_queue_is_one_batch(callers: Callers, settings: Settings) -> None:
    settings.ENGINE_QUEUE = 4
    encoder, values = Numbers(), range(MOST_TOGETHER + 1)
    assert len(callers.queue.features(encoder, squares(*values))) == len(values)
    assert encoder.batches == [list(values)]


def test_a_poisoned_picture_fails_alone(callers: Callers) -> None:
    encoder = Numbers()
    with callers.queue.turn():
        for value in (1, POISON, 2):
            callers.ask(encoder, value)
    callers.join()
    assert callers.results.pop(POISON).args == ("a poisoned picture",)
    assert callers.results == {1: [[1]], 2: [[2]]}
    assert callers.queue.features(encoder, squares(5)).tolist() == [[5]]


def test_a_full_queue_refuses_and_says_when_it_will_be_done(callers: Callers, settings: Settings) -> None:
    settings.ENGINE_QUEUE = 3
    encoder = Numbers()
    callers.queue._pace = 2.4  # seconds a picture
    with callers.queue.turn():
        for value in range(2):
            callers.ask(encoder, value)
        for _ in range(2):  # twice: a refusal must not use up a place
            with pytest.raises(Busy, match="try again") as busy:
                callers.queue.features(encoder, squares(9))
            assert busy.value.retry_after == 8  # 3 pictures of 2.4 s each
    callers.join()
    assert callers.results == {0: [[0]], 1: [[1]]}


def test_the_pace_follows_what_was_measured(callers: Callers) -> None:
    callers.queue._pace = 100.0
    for _ in range(60):
        callers.queue.features(Numbers(), squares(1))
    assert callers.queue._pace < 0.1


def test_a_patient_request_waits_for_a_place(callers: Callers, settings: Settings) -> None:
    settings.ENGINE_QUEUE = 1
    encoder = Numbers()
    with callers.queue.turn():
        callers.ask(encoder, 7, patience=10)
        time.sleep(0.02)
        assert 7 not in callers.results
    callers.join()
    assert callers.results == {7: [[7]]}


def test_whoever_waits_too_long_leaves_and_the_others_stay(callers: Callers, settings: Settings) -> None:
    settings.ENGINE_SECONDS = 0.05
    encoder = Numbers()
    with callers.queue.turn():
        callers.ask(encoder, 1)
        until(lambda: 1 in callers.results)
        settings.ENGINE_SECONDS = 10
        callers.ask(encoder, 2)
        assert callers.queue._pictures == 2
    callers.join()
    assert isinstance(callers.results.pop(1), Busy)
    assert callers.results == {2: [[2]]} and encoder.batches == [[2]]


def test_a_picture_that_is_being_embedded_is_waited_for(callers: Callers, settings: Settings) -> None:
    settings.ENGINE_SECONDS = 0.05
    encoder = Numbers()
    encoder.open.clear()
    with callers.queue.turn():
        for value in (1, 2):
            callers.ask(encoder, value)
    until(lambda: encoder.batches == [[1, 2]])
    time.sleep(0.1)  # the second has waited for longer than it would in the queue
    encoder.open.set()
    callers.join()
    assert callers.results == {1: [[1]], 2: [[2]]}


def test_an_error_within_a_turn_gives_it_back(callers: Callers) -> None:
    for _ in range(2):
        with pytest.raises(OSError, match="disk"), callers.queue.turn():
            raise OSError("disk")
    assert callers.queue.features(Numbers(), squares(1)).tolist() == [[1]]


def test_a_network_that_loses_a_picture_is_an_error(callers: Callers) -> None:
    class Short(Numbers):
        def embed_pixels(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
            return super().embed_pixels(pixels)[1:]

    with pytest.raises(RuntimeError, match="1 rows for 2 pictures"):
        callers.queue.features(Short(), squares(1, 2))


def test_whoever_is_interrupted_leaves_nobody_waiting(callers: Callers) -> None:
    class Stopped(Numbers):
        def embed_pixels(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        callers.queue.features(Stopped(), squares(1))
    assert callers.queue.features(Numbers(), squares(1)).tolist() == [[1]]


def test_many_clients_all_get_their_own(callers: Callers) -> None:
    encoder = Numbers()

    def ask_often(first: int) -> None:
        for value in range(first, first + 10):
            callers.results[value] = callers.queue.features(encoder, squares(value)).tolist()

    callers.threads = [threading.Thread(target=ask_often, args=(first,)) for first in range(0, 160, 10)]
    for thread in callers.threads:
        thread.start()
    callers.join()
    assert callers.results == {value: [[value]] for value in range(160)}
    assert sum(map(len, encoder.batches)) == 160
