from math import log2

import numpy as np
import pytest

from ratings.services.shown_metrics import SHOWN_METRICS


def slow(name: str, hits: list[bool], relevant: int) -> float:
    ranks = [rank for rank, hit in enumerate(hits, 1) if hit]
    most = min(relevant, len(hits))
    if name == "query_average_precision":
        return sum(sum(hits[:rank]) / rank for rank in ranks) / most
    if name == "query_ndcg":
        return sum(1 / log2(rank + 1) for rank in ranks) / sum(1 / log2(rank + 1) for rank in range(1, most + 1))
    if name == "query_reciprocal_rank":
        return 1 / ranks[0] if ranks else 0
    return {
        "query_precision": len(ranks) / len(hits),
        "query_first_right": float(hits[0]),
        "query_any_right": float(any(hits)),
    }[name]


@pytest.mark.parametrize("name", SHOWN_METRICS)
def test_it_is_what_a_slow_formula_gives(name: str) -> None:
    random = np.random.default_rng(0)
    relevance = random.random((200, 8)) < random.random((200, 1))
    relevance[0] = False
    relevance[1] = True
    relevant = relevance.sum(axis=1) + random.integers(1, 9, 200)
    found = SHOWN_METRICS[name].score(relevance, relevant)
    wanted = [slow(name, list(hits), int(many)) for hits, many in zip(relevance, relevant, strict=True)]
    assert found == pytest.approx(wanted) and found[:2] == pytest.approx([0, 1])
    assert found.min() >= 0 and found.max() <= 1 + 1e-9


@pytest.mark.parametrize("name", SHOWN_METRICS)
def test_one_right_picture_in_front_is_perfect(name: str) -> None:
    found = SHOWN_METRICS[name].score(np.array([[True, False, False, False]]), np.array([1]))[0]
    assert found == (0.25 if name == "query_precision" else 1)
