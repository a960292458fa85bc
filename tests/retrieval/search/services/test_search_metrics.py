"""What metrics say of searches: how many ended how, and what the engine holds."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from accounts.models import User
from config import metrics
from config.errors import Busy, Rejected
from retrieval.search.services import model_cache, run_search
from retrieval.search.services.batches import run_all
from retrieval.search.services.embedding_queue import EmbeddingQueue
from retrieval.search.services.memory_budget import LRUCache
from tests.retrieval.pictures import jpeg
from tests.retrieval.search.services.test_batches import wish
from tests.retrieval.world import World


def counts() -> Counter[tuple[str, ...]]:
    """Return how many searches and parts were observed, by the values of their labels."""
    families = [*metrics.SEARCH_SECONDS.collect(), *metrics.SEARCH_PART_SECONDS.collect()]
    samples = [sample for family in families for sample in family.samples if sample.name.endswith("_count")]
    return Counter({tuple(sample.labels.values()): int(sample.value) for sample in samples})


@contextmanager
def observes(**expected: int) -> Iterator[None]:
    """Hold the block to observing exactly that: `single_ok`, `batch_refused`, `embedding`, `index`."""
    before = counts()
    yield
    assert {"_".join(labels): number for labels, number in (counts() - before).items()} == expected


@pytest.mark.django_db
def test_a_search_and_its_parts(world: World, member: User) -> None:
    with observes(single_ok=1, embedding=2, index=2):
        world.ask(member, upload=jpeg())


@pytest.mark.django_db
def test_a_refused_a_busy_and_a_broken_one(world: World, member: User, monkeypatch: pytest.MonkeyPatch) -> None:
    with observes(single_refused=1), pytest.raises(Rejected):
        world.ask(member, upload=b"no picture")
    for error, outcome in ((Busy("full"), "single_busy"), (RuntimeError("a bug"), "single_error")):

        def fail(*args: object, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(run_search, "run_prepared", fail)
        with observes(**{outcome: 1}), pytest.raises(type(error)):
            world.ask(member, upload=jpeg())


@pytest.mark.django_db
def test_each_of_a_batch(world: World, member: User) -> None:
    with observes(batch_ok=1, batch_refused=1, embedding=2, index=2):
        run_all([wish(world, member, b"x"), wish(world, member, jpeg())])


def test_pictures_in_the_queue() -> None:
    queue = EmbeddingQueue()
    before = metrics.QUEUE_PICTURES._value.get()
    with queue.turn():
        assert metrics.QUEUE_PICTURES._value.get() == before + 1
    assert metrics.QUEUE_PICTURES._value.get() == before


def test_bytes_of_what_is_loaded() -> None:
    told: list[int] = []
    cache = LRUCache(100, on_change=told.append)
    cache.get("a", lambda: "A", 60)
    cache.get("b", lambda: "B", 70)  # the other one leaves
    cache.forget("b")
    cache.get("c", lambda: "C", 5)
    cache.clear()
    assert told == [60, 70, 0, 5, 0]
    with pytest.raises(ValueError, match="broken"):
        cache.get("d", broken, 9)
    assert told[5:] == [9, 0]


def broken() -> str:
    raise ValueError("broken")


def test_the_engine_tells_the_metric() -> None:
    model_cache.cache.get(("test", 1), lambda: "A", 12345)
    assert metrics.ENGINE_BYTES._value.get() == model_cache.cache.resident_bytes >= 12345
    model_cache.cache.forget(("test", 1))
    assert metrics.ENGINE_BYTES._value.get() == model_cache.cache.resident_bytes
