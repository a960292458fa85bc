"""A graph that is searched before it is full."""

import numpy as np
import pytest

from mlcore.errors import VectorIndexError
from mlcore.index.index_builder import IndexBuilder

ROWS = np.random.default_rng(0).standard_normal((2500, 6))


def test_a_part_grown_index_holds_a_shuffled_part_and_answers_from_it() -> None:
    builder = IndexBuilder.of(ROWS, np.arange(2500) * 2)
    partial = builder.grow(500)
    waiting, vectors = builder.waiting()
    assert partial.count == 500 and len(waiting) == len(vectors) == 2000
    assert set(partial.ids.tolist()) | set(waiting.tolist()) == set(range(0, 5000, 2))
    assert partial.ids.max() > 4500  # not simply the first ones
    found = partial.search(ROWS[:50], 3)[0]
    assert np.isin(found, partial.ids).all()
    stored = partial.vectors_of(partial.ids[:5])
    lengths = np.linalg.norm(ROWS[partial.ids[:5] // 2], axis=1)
    assert (stored * ROWS[partial.ids[:5] // 2]).sum(axis=1) == pytest.approx(lengths, rel=1e-5)


def test_growing_on_completes_it() -> None:
    builder = IndexBuilder.of(ROWS, np.arange(2500))
    builder.grow(1)
    index = builder.grow()
    assert index.count == 2500
    assert builder.waiting()[0].tolist() == []
    assert index.search(ROWS, 1)[0][:, 0].tolist() == list(range(2500))


@pytest.mark.parametrize("count", [0, 10, 2501])
def test_it_cannot_shrink_stand_still_or_grow_beyond_its_vectors(count: int) -> None:
    builder = IndexBuilder.of(ROWS, np.arange(2500))
    builder.grow(10)
    with pytest.raises(VectorIndexError, match=f"index of 10 can grow up to 2500 pictures, got {count}"):
        builder.grow(count)


def test_progress_counts_up_to_all_and_may_stop_it() -> None:
    seen: list[tuple[str, int, int]] = []
    IndexBuilder.of(ROWS, np.arange(2500)).grow(progress=lambda *report: seen.append(report))
    assert seen == [("index", 1000, 2500), ("index", 2000, 2500), ("index", 2500, 2500)]


def test_one_seed_and_one_thread_give_one_graph() -> None:
    first, second = (IndexBuilder.of(ROWS, np.arange(2500), seed=4).grow(ef=2) for _ in range(2))
    queries = np.random.default_rng(1).standard_normal((200, 6))
    assert first.search(queries, 1)[0].tolist() == second.search(queries, 1)[0].tolist()
