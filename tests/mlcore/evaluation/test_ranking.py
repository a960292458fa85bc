"""Rough scores only save work: they never move a rank."""

from typing import Any

import numpy as np
import pytest

from mlcore.evaluation import ranking, rough_scores
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


@pytest.fixture(params=[False, True], ids=["single", "bfloat16"], autouse=True)
def precision(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Score roughly as processors without and with instructions for bfloat16 do."""
    monkeypatch.setattr(rough_scores, "multiplies_bfloat16", lambda: request.param)


@pytest.mark.parametrize("kind", ["random", "tied", "collapsed", "half collapsed"])
@pytest.mark.parametrize("copies", [1, 2])
def test_rough_scores_change_no_figure(kind: str, copies: int, monkeypatch: pytest.MonkeyPatch) -> None:
    labels, ids = np.arange(COUNT) // (PER_CLASS * copies), np.arange(COUNT) // copies
    found = []
    for few in (EVERY_ROW_ROUGHLY, 4, 40, NO_ROW_ROUGHLY):
        monkeypatch.setattr(ranking, "_FEW", few)
        found.append(per_query_scores(directions(kind), labels, (1, 2, 50), ids=ids).columns())
    for name, exact in found[-1].items():
        assert all(np.array_equal(columns[name], exact) for columns in found[:-1]), name


@pytest.mark.parametrize("kind", ["random", "tied", "half collapsed"])
def test_rough_scores_change_no_figure_of_a_separate_gallery(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    labels, is_query = np.arange(COUNT) // PER_CLASS, np.arange(COUNT) % PER_CLASS == 1
    found = []
    for few in (EVERY_ROW_ROUGHLY, 4, 40, NO_ROW_ROUGHLY):
        monkeypatch.setattr(ranking, "_FEW", few)
        found.append(per_query_scores(directions(kind), labels, (1, 2, 50), is_query=is_query).columns())
    for name, exact in found[-1].items():
        assert all(np.array_equal(columns[name], exact) for columns in found[:-1]), name


@pytest.mark.parametrize("kind", ["random", "tied", "half collapsed"])
def test_pictures_before_the_first_relevant_one_are_counted_exactly(kind: str) -> None:
    task = ranking.retrieval_task(directions(kind), np.arange(COUNT) // PER_CLASS, None)
    rows = np.arange(COUNT)
    keys = ranking._keys(task, rows)
    best = np.where(keys & 1, ranking._LEFT_OUT, keys).max(axis=1)
    assert np.array_equal(ranking.first_relevant(task, rows), (keys > best[:, None]).sum(axis=1))


def possible(kind: str, most: int) -> tuple[ranking.RetrievalTask, dict[int, set[int]]]:
    """Return a task, and what may be among the first 4 of each query that has few possible ones."""
    task = ranking.retrieval_task(directions(kind), np.arange(COUNT) // PER_CLASS, None)
    pairs = rough_scores.possible_best(task.every.rough, task.gallery.rough, 4, step=3e-6, most=most)
    found: dict[int, set[int]] = {}
    for asked, row in zip(*pairs, strict=True):
        found.setdefault(int(asked), set()).add(int(row))
    return task, found


@pytest.mark.parametrize("kind", ["random", "tied"])
def test_what_is_possible_holds_every_picture_that_exact_keys_put_first(kind: str) -> None:
    task, found = possible(kind, most=COUNT)
    keys = ranking._keys(task, np.arange(COUNT))
    assert len(found) == COUNT
    for row, among in found.items():
        best = np.flatnonzero(keys[row] > np.sort(keys[row])[-4])
        assert set(best) - {row} <= among


def test_what_is_possible_is_little_where_scores_differ() -> None:
    _, found = possible("random", most=COUNT)
    sizes = [len(among) for among in found.values()]
    assert min(sizes) >= 4 and np.mean(sizes) < 8


def test_queries_with_too_many_possible_pictures_have_none() -> None:
    _, found = possible("half collapsed", most=40)
    assert set(found) <= set(range(450, COUNT))
    assert len(found) > 440  # one or two of the others lie near the collapsed ones
