"""The guarded index: right answers, and a clear refusal where hnswlib would crash or lie."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlcore.errors import StaleIndexError, VectorIndexError
from mlcore.index import VectorIndex, hnsw
from mlcore.index.checks import bounded_threads
from mlcore.index.index_builder import IndexBuilder

COUNT, DIM = 600, 12


def clustered(count: int = COUNT, dim: int = DIM, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    centres, noise = random.standard_normal((30, dim)), random.standard_normal((count, dim))
    return centres[np.arange(count) % 30] + 0.4 * noise


def unit(rows: np.ndarray) -> np.ndarray:
    scaled: np.ndarray = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return scaled


IDS = np.random.default_rng(9).permutation(5 * COUNT)[:COUNT]  # neither dense nor in order
ROWS = clustered()
QUERIES = clustered(seed=0)[:40] + 0.1


@pytest.fixture(scope="module")
def index() -> VectorIndex:
    return IndexBuilder.of(ROWS, IDS).grow(ef=400)


def save(index: VectorIndex, graph: Path, vectors: Path) -> None:
    index.save_graph(graph)
    np.save(vectors, index.vectors_of(index.ids))


class GraphThatFails:
    """Stands where the graph must not be asked."""

    ef = 50

    def knn_query(self, *_: Any, **__: Any) -> None:
        raise AssertionError("the graph was asked")


def truth(queries: np.ndarray, k: int, kept: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    kept = np.arange(COUNT) if kept is None else kept
    cosines = unit(queries) @ unit(ROWS[kept]).T
    order = np.argsort(-cosines, axis=1)[:, :k]
    return IDS[kept][order], np.take_along_axis(cosines, order, axis=1)


def test_answers_are_ids_and_true_cosines_best_first(index: VectorIndex) -> None:
    ids, scores = index.search(QUERIES, 7)
    wanted_ids, wanted_scores = truth(QUERIES, 7)
    assert ids.tolist() == wanted_ids.tolist()
    assert np.abs(scores - wanted_scores).max() < 1e-6
    assert ids.dtype == np.int64 and scores.dtype == np.float32
    assert (np.diff(scores, axis=1) <= 0).all() and scores.max() <= 1


@pytest.mark.parametrize("length", [1e-30, 1.0, 1e30, 1e200])
def test_the_length_and_precision_of_a_query_do_not_matter(index: VectorIndex, length: float) -> None:
    wanted = index.search(QUERIES.astype(np.float32), 5)
    found = index.search(QUERIES * length, 5)
    assert found[0].tolist() == wanted[0].tolist()
    assert np.abs(found[1] - wanted[1]).max() < 1e-6


def test_a_view_in_another_memory_order_is_searched_as_itself(index: VectorIndex) -> None:
    assert index.search(np.asfortranarray(QUERIES), 5)[0].tolist() == index.search(QUERIES, 5)[0].tolist()
    assert index.search(QUERIES[::2], 5)[0].tolist() == index.search(QUERIES, 5)[0][::2].tolist()


@pytest.mark.parametrize(
    ("queries", "message"),
    [
        (np.ones((2, DIM + 1)), "queries have 13 dimensions, the index has 12"),
        (np.ones((2, DIM - 1)), "queries have 11 dimensions, the index has 12"),
        (np.ones(DIM), r"queries must be a filled \[count, dim\] array, got shape \(12,\)"),
        (np.ones((0, DIM)), r"got shape \(0, 12\)"),
        (np.ones((1, 2, DIM)), "got shape"),
        (np.ones((2, DIM), dtype=np.int64), "queries must be float32 or float64, got int64"),
        (np.ones((2, DIM), dtype=np.float16), "got float16"),
        (np.full((2, DIM), np.nan), "queries: row 0 is not finite"),
        (np.vstack([np.ones(DIM), np.full(DIM, -np.inf)]), "queries: row 1 is not finite"),
        (np.vstack([np.ones(DIM), np.zeros(DIM)]), "queries: row 1 is all zeros"),
    ],
)
def test_a_query_that_cannot_be_searched_is_refused(index: VectorIndex, queries: Any, message: str) -> None:
    for search in (index.search, index.exact_search):
        with pytest.raises(VectorIndexError, match=message):
            search(queries, 3)


@pytest.mark.parametrize("k", [0, -1, COUNT + 1, 2.0, True, None])
def test_a_k_outside_the_index_is_refused_and_named(index: VectorIndex, k: Any) -> None:
    for search in (index.search, index.exact_search):
        with pytest.raises(VectorIndexError, match=f"got {k}"):
            search(QUERIES, k)


def test_every_picture_can_be_asked_for_without_the_graph(index: VectorIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "_graph", GraphThatFails())  # hnswlib leaks its buffers when it falls short
    ids, _ = index.search(QUERIES[:3], COUNT)
    assert (np.sort(ids, axis=1) == np.sort(IDS)).all()


@pytest.mark.parametrize(
    ("embeddings", "ids", "message"),
    [
        (np.ones((3, 4)), [1, 2, 1], "id 1 is given 2 times"),
        (np.ones((3, 4)), [1, -2, 3], "must not be negative, got -2"),
        (np.ones((3, 4)), [1.0, 2.0, 3.0], "ids must be whole numbers"),
        (np.ones((3, 4)), [[1], [2], [3]], "of shape"),
        (np.ones((3, 4)), [1, 2], "3 embeddings do not match 2 ids"),
        (np.ones((3, 4), dtype=np.int32), [1, 2, 3], "embeddings must be float32 or float64, got int32"),
        (np.eye(3) - np.eye(3)[1], [1, 2, 3], "embeddings: row 1 is all zeros"),
        (np.full((3, 4), np.inf), [1, 2, 3], "embeddings: row 0 is not finite"),
        (np.ones((0, 4)), np.zeros(0, dtype=int), "filled"),
    ],
)
def test_embeddings_that_cannot_be_indexed_are_refused(embeddings: Any, ids: Any, message: str) -> None:
    with pytest.raises(VectorIndexError, match=message):
        IndexBuilder.of(embeddings, np.asarray(ids))


@pytest.mark.parametrize("setting", ["M", "ef_construction", "threads"])
def test_settings_below_one_are_refused(setting: str) -> None:
    arguments: dict[str, Any] = {setting: 0}
    with pytest.raises(VectorIndexError, match=f"{setting} must be at least 1, got 0"):
        IndexBuilder.of(np.eye(3), np.arange(3), **arguments)


def test_an_ef_below_one_is_refused() -> None:
    with pytest.raises(VectorIndexError, match="ef must be at least 1, got 0"):
        IndexBuilder.of(np.eye(3), np.arange(3)).grow(ef=0)


def test_threads_are_bounded_by_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    assert bounded_threads(64) == 2
    assert bounded_threads(1) == 1


def test_there_is_no_index_without_a_graph() -> None:
    with pytest.raises(TypeError):
        VectorIndex()  # type: ignore[call-arg]


def test_a_small_filter_is_answered_exactly(index: VectorIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "_graph", GraphThatFails())
    kept = np.arange(3, COUNT, 7)
    ids, scores = index.search(QUERIES, 9, allowed=IDS[kept])
    wanted_ids, wanted_scores = truth(QUERIES, 9, kept)
    assert ids.tolist() == wanted_ids.tolist()
    assert np.abs(scores - wanted_scores).max() < 1e-6
    assert index.search(QUERIES, 9, allowed=set(IDS[kept].tolist()))[0].tolist() == ids.tolist()


def test_a_wide_filter_is_answered_by_the_graph(index: VectorIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hnsw, "EXACT_BELOW", 10)
    monkeypatch.setattr(hnsw, "ROWS_A_CANDIDATE", 1)
    kept = np.flatnonzero(np.arange(COUNT) % 5)
    with monkeypatch.context() as patch:
        patch.setattr(VectorIndex, "_exact", None)  # calling it would fail
        found = index.search(QUERIES, 4, allowed=IDS[kept])
    assert found[0].tolist() == truth(QUERIES, 4, kept)[0].tolist()


def test_a_wide_filter_far_from_the_query_is_still_filled(index: VectorIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hnsw, "EXACT_BELOW", 10)
    kept = np.argsort(unit(ROWS) @ unit(QUERIES[:1])[0])[:300]  # the farther half
    ids, _ = index.search(QUERIES[:1], 5, allowed=IDS[kept])
    assert ids.tolist() == truth(QUERIES[:1], 5, kept)[0].tolist()


def test_ids_that_the_index_does_not_hold_are_ignored_in_filters(index: VectorIndex) -> None:
    known = [int(i) for i in IDS[:3]]
    ids, _ = index.search(QUERIES, 3, allowed=[*known, 10**9], exclude={-5, 10**9})
    assert set(ids.ravel().tolist()) == set(known)


def test_a_filter_that_leaves_too_few_is_refused_and_named(index: VectorIndex) -> None:
    with pytest.raises(VectorIndexError, match="between 1 and the 2 pictures searched, got 3"):
        index.search(QUERIES, 3, allowed=IDS[:3], exclude=IDS[:1])
    with pytest.raises(VectorIndexError, match="the 0 pictures searched, got 1"):
        index.search(QUERIES, 1, allowed=[])


@pytest.mark.parametrize("hidden", [1, 6, 250, COUNT - 5])
def test_excluded_pictures_never_come_back_and_the_rest_is_filled(index: VectorIndex, hidden: int) -> None:
    nearest = np.argsort(-(unit(ROWS) @ unit(QUERIES[:1])[0]))
    kept = np.sort(nearest[hidden:])
    ids, _ = index.search(QUERIES[:1], 5, exclude=frozenset(IDS[nearest[:hidden]].tolist()))
    assert ids.tolist() == truth(QUERIES[:1], 5, kept)[0].tolist()


def test_equal_cosines_come_in_the_order_of_their_ids() -> None:
    rows = np.repeat(np.eye(4), 50, axis=0)
    ids = np.random.default_rng(0).permutation(200)
    found, scores = IndexBuilder.of(rows, ids).grow().search(np.eye(4)[:1], 50)
    assert found[0].tolist() == sorted(ids[:50].tolist())
    assert (scores == 1).all()


def test_what_the_graph_cannot_reach_is_compared_in_full() -> None:
    index = IndexBuilder.of(ROWS, IDS).grow()
    for label in IDS[5:]:
        index._graph.mark_deleted(int(label))  # hnswlib now raises: fewer than k can be returned
    assert index.search(QUERIES, 20)[0].tolist() == truth(QUERIES, 20)[0].tolist()


def test_a_large_k_widens_the_search_beyond_ef() -> None:
    rows = np.random.default_rng(0).standard_normal((3000, 64))
    index = IndexBuilder.of(rows, np.arange(3000)).grow(ef=10)
    queries = np.random.default_rng(1).standard_normal((50, 64))
    exact, found = index.exact_search(queries, 100)[0], index.search(queries, 100)[0]
    shared = [len(set(a) & set(b)) for a, b in zip(exact.tolist(), found.tolist(), strict=True)]
    assert np.mean(shared) > 98  # 95 by a beam of just k


def test_many_threads_get_the_answers_that_one_gets(index: VectorIndex) -> None:
    wanted = index.search(QUERIES, 5)[0].tolist()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: index.search(QUERIES, 5)[0].tolist(), range(64)))
    assert all(answer == wanted for answer in answers)


def test_stored_vectors_come_back_at_length_one(index: VectorIndex) -> None:
    assert np.abs(index.vectors_of(IDS[[4, 2, 4]]) - unit(ROWS)[[4, 2, 4]]).max() < 1e-6
    with pytest.raises(VectorIndexError, match="picture 1000000 is not in the index"):
        index.vectors_of([int(IDS[0]), 10**6])


def test_a_reader_cannot_change_the_ids(index: VectorIndex) -> None:
    index.ids[:] = 0
    assert index.ids.tolist() == sorted(IDS.tolist())
    assert (index.count, index.dim) == (COUNT, DIM)


def test_a_loaded_index_answers_as_before_with_its_ef(index: VectorIndex, tmp_path: Path) -> None:
    save(index, tmp_path / "g", tmp_path / "v.npy")
    loaded = VectorIndex.open(tmp_path / "g", tmp_path / "v.npy", dim=DIM, ef=77)
    assert loaded.ef == 77
    assert loaded.search(QUERIES, 5)[0].tolist() == index.search(QUERIES, 5)[0].tolist()
    assert type(loaded.exact_search(QUERIES, 5)[1]) is np.ndarray
    assert loaded.ids.tolist() == index.ids.tolist()


def test_saving_where_there_is_no_folder_is_noticed(index: VectorIndex, tmp_path: Path) -> None:
    with pytest.raises(VectorIndexError, match="could not be written"):
        index.save_graph(tmp_path / "missing" / "g")


def test_files_that_do_not_belong_together_are_stale(index: VectorIndex, tmp_path: Path) -> None:
    graph, vectors = tmp_path / "g", tmp_path / "v.npy"
    save(index, graph, vectors)
    with pytest.raises(StaleIndexError, match="not float32 of dim 11"):
        VectorIndex.open(graph, vectors, dim=11, ef=50)
    np.save(vectors, unit(ROWS)[:-1].astype(np.float32))
    with pytest.raises(StaleIndexError, match="600 pictures in its graph but 599 vectors"):
        VectorIndex.open(graph, vectors, dim=DIM, ef=50)
    vectors.write_bytes(b"nothing that numpy knows")
    with pytest.raises(StaleIndexError, match="cannot be read"):
        VectorIndex.open(graph, vectors, dim=DIM, ef=50)
    np.save(vectors, unit(ROWS).astype(np.float32))
    graph.write_bytes(graph.read_bytes()[:-100])
    with pytest.raises(StaleIndexError, match="cannot be read"):
        VectorIndex.open(graph, vectors, dim=DIM, ef=50)


@pytest.mark.parametrize("seed", range(40))
def test_any_filter_and_exclusion_agree_with_a_full_comparison(
    index: VectorIndex, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """By the short way of one query, by the graph and exactly, whatever is left out."""
    random = np.random.default_rng(seed)
    monkeypatch.setattr(hnsw, "EXACT_BELOW", int(random.choice([0, 300, 20_000])))
    monkeypatch.setattr(hnsw, "ROWS_A_CANDIDATE", int(random.choice([1, 20])))
    allowed = None if seed % 3 == 0 else np.sort(random.choice(COUNT, random.integers(20, COUNT), replace=False))
    excluded = random.choice(COUNT, random.choice([0, 1, 1, 2, 15]), replace=False)
    kept = np.setdiff1d(np.arange(COUNT) if allowed is None else allowed, excluded)
    queries = QUERIES[: 1 + 4 * (seed % 2)].astype(np.float32)
    chosen = None if allowed is None else IDS[allowed]
    exclude = frozenset([*IDS[excluded].tolist(), *([10**9] if seed % 5 == 0 else [])])
    assert index.remaining(allowed=chosen, exclude=exclude) == len(kept)
    k = int(random.choice([1, 5, min(30, len(kept)), len(kept)]))
    ids, scores = index.search(queries, k, allowed=chosen, exclude=exclude)
    wanted_ids, wanted_scores = truth(queries, k, kept)
    assert np.abs(scores - wanted_scores).max() < 1e-6
    assert (ids == wanted_ids).mean() > 0.99  # rounding may swap two
    assert not set(ids.ravel().tolist()) & exclude


def test_a_search_reads_no_more_where_there_are_more_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the index but its graph and a few rows is looked at, with and without exclusions."""
    rows = clustered(4000)
    index = IndexBuilder.of(rows, np.arange(4000)).grow()

    class Counted(np.ndarray):
        reads = 0

        def __getitem__(self, key: Any) -> Any:
            found = super().__getitem__(key)
            Counted.reads += np.size(found)
            return np.asarray(found)

    monkeypatch.setattr(index, "_ids", index._ids.view(Counted))
    monkeypatch.setattr(index, "_vectors", np.asarray(index._vectors).view(Counted))
    subset = index.subset(range(100, 130))
    Counted.reads = 0
    index.search(rows[:1], 12)
    index.search(rows[:1], 12, exclude={3})
    index.search(rows[:1], 12, exclude={3, 4, 5})
    assert Counted.reads < 30
    index.search(rows[:1], 12, allowed=subset, exclude={101})
    assert Counted.reads < 30 + 30 * (DIM + 2)
