"""Recall counts what is as near as the truth, with the query itself left out; overlap counts what two lists share."""

import random

import numpy as np
import pytest

from mlcore.index import overlap_at
from mlcore.index.hnsw import VectorIndex
from mlcore.index.index_builder import IndexBuilder
from mlcore.index.recall import RecallEvaluator, _others

ROWS = np.random.default_rng(0).standard_normal((1200, 48))


def test_a_full_comparison_would_score_one_and_a_starved_graph_less() -> None:
    index = IndexBuilder.of(ROWS, np.arange(1200), M=4, ef_construction=20).grow(ef=1)
    evaluator = RecallEvaluator.of_own(index, queries=200, seed=0)
    assert evaluator.k == 10 and len(evaluator.queries) == 200
    starved = evaluator.recall_of(index)
    index.set_ef(600)
    assert starved < 0.9 < evaluator.recall_of(index)


def test_unseen_pictures_are_harder_than_the_indexs_own() -> None:
    builder = IndexBuilder.of(ROWS, np.arange(1200))
    index = builder.grow(1000, ef=20)
    own = RecallEvaluator.of_own(index, queries=1000, seed=0).recall_of(index)
    unseen = RecallEvaluator.of_unseen(index, builder.waiting()[1]).recall_of(index)
    assert unseen < own - 0.1


def test_recall_is_the_share_of_the_true_neighbours_found(monkeypatch: pytest.MonkeyPatch) -> None:
    index = IndexBuilder.of(ROWS, np.arange(1200)).grow()
    queries = -ROWS[:50].astype(np.float32)
    evaluator = RecallEvaluator.of_unseen(index, queries)
    exact = index.exact_search(queries, 13)
    # ranks 4 to 13 in place of 1 to 10: seven of ten are right
    monkeypatch.setattr(VectorIndex, "search", lambda *_: (exact[0][:, 3:], exact[1][:, 3:]))
    assert evaluator.recall_of(index) == pytest.approx(0.7)


def test_duplicates_are_as_good_as_each_other() -> None:
    rows = np.repeat(ROWS[:20], 40, axis=0)
    index = IndexBuilder.of(rows, np.arange(800)).grow()
    assert RecallEvaluator.of_own(index, queries=800, seed=0).recall_of(index) == 1.0


def test_the_query_leaves_its_answer_or_else_the_last_one_does() -> None:
    ids = np.array([[7, 1, 2], [1, 8, 2], [1, 2, 3]])
    scores = np.array([[0.9, 0.8, 0.7]] * 3, dtype=np.float32)
    others = _others(np.array([7, 8, 9]), ids, scores)
    assert others == pytest.approx(np.array([[0.8, 0.7], [0.9, 0.7], [0.9, 0.8]]))


def test_overlap_agrees_with_counting_one_by_one() -> None:
    chance = random.Random(0)
    for _ in range(300):
        first, second = (chance.sample(range(16), chance.randint(0, 12)) for _ in range(2))
        k = chance.randint(1, 14)
        common = sum(1 for one in first[:k] for other in second[:k] if one == other)
        depth = max(len(first[:k]), len(second[:k]))
        assert overlap_at(k, first, second) == (common / depth if depth else 0)
        assert overlap_at(k, first, second) == overlap_at(k, second, first)


def test_equal_answers_agree_wholly_though_fewer_than_k() -> None:
    assert overlap_at(10, [3, 1], [1, 3]) == 1.0


def test_an_overlap_among_none_is_refused() -> None:
    with pytest.raises(ValueError, match="k must be at least 1, got 0"):
        overlap_at(0, [1], [1])
