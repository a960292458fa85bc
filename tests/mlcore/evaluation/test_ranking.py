"""Rough scores only save work: they never move a rank."""

from typing import Any

import numpy as np
import pytest

from mlcore.evaluation import ranking
from mlcore.evaluation.metrics import per_query_scores

COUNT, PER_CLASS = 900, 3
EVERY_ROW_ROUGHLY, NO_ROW_ROUGHLY = 1, COUNT + 1


def directions(kind: str) -> Any:
    """Return [COUNT, 24] rows that rough scores could mistake for each other."""
    random = np.random.default_rng(5)
    if kind == "random":
        return random.standard_normal((COUNT, 24))
    if kind == "tied":  # few different rows, so that most scores come often
        return random.integers(-1, 2, (COUNT, 3)) @ random.standard_normal((3, 24)) + 0.001
    nearly = np.ones(24) + 1e-4 * random.standard_normal((COUNT, 24))
    return nearly if kind == "collapsed" else np.concatenate([nearly[:450], random.standard_normal((450, 24))])


@pytest.mark.parametrize("kind", ["random", "tied", "collapsed", "half collapsed"])
@pytest.mark.parametrize("copies", [1, 2])
def test_candidates_by_rough_scores_change_no_figure(kind: str, copies: int, monkeypatch: pytest.MonkeyPatch) -> None:
    labels, ids = np.arange(COUNT) // (PER_CLASS * copies), np.arange(COUNT) // copies
    found = []
    for few in (EVERY_ROW_ROUGHLY, 40, NO_ROW_ROUGHLY):
        monkeypatch.setattr(ranking, "_FEW", few)
        found.append(per_query_scores(directions(kind), labels, (1, 2, 50), ids=ids).columns())
    for name, exact in found[-1].items():
        assert all(np.array_equal(columns[name], exact) for columns in found[:-1]), name


@pytest.mark.parametrize("kind", ["random", "tied", "half collapsed"])
def test_rough_scores_change_no_figure_of_a_separate_gallery(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    labels, is_query = np.arange(COUNT) // PER_CLASS, np.arange(COUNT) % PER_CLASS == 1
    found = []
    for few in (EVERY_ROW_ROUGHLY, 40, NO_ROW_ROUGHLY):
        monkeypatch.setattr(ranking, "_FEW", few)
        found.append(per_query_scores(directions(kind), labels, (1, 2, 50), is_query=is_query).columns())
    for name, exact in found[-1].items():
        assert all(np.array_equal(columns[name], exact) for columns in found[:-1]), name


def test_candidates_hold_every_picture_that_exact_keys_put_first() -> None:
    task = ranking.retrieval_task(directions("tied"), np.arange(COUNT) // PER_CLASS, None)
    keys = ranking._keys(task, np.arange(COUNT))
    for row, rough in enumerate(task.every.rough @ task.gallery.rough.T):
        near = ranking._candidates(rough, 4, 24)
        best = np.flatnonzero(keys[row] > np.sort(keys[row])[-4])
        assert set(best) - {row} <= set(near)


def test_candidates_are_few_where_scores_differ() -> None:
    task = ranking.retrieval_task(directions("random"), np.arange(COUNT) // PER_CLASS, None)
    near = [len(ranking._candidates(rough, 4, 24)) for rough in task.every.rough @ task.gallery.rough.T]
    assert min(near) >= 4 and np.mean(near) < 8
