"""Every figure against a slow plain-Python reference, on data full of ties and duplicates."""

import json
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from mlcore.errors import MetricsError, MlcoreError
from mlcore.evaluation import metrics
from mlcore.evaluation.metrics import (
    clustering_metrics,
    per_query_scores,
    retrieval_metrics,
)
from mlcore.evaluation.ranking import quantised_unit_rows, unit_rows


def reference(
    rows: list[list[float]], labels: list[int], ids: list[int], ks: tuple[int, ...], gallery: set[int] | None = None
) -> dict[str, Any]:
    """Measure with lists and loops: every query ranked in full, ties to the wrong class.

    With a gallery, a set of rows, those alone are found and do not ask.
    """
    unit = [[x / math.sqrt(math.fsum(y * y for y in row)) for x in row] for row in rows]
    totals: dict[str, list[float]] = {f"recall_at_{k}": [] for k in ks}
    totals |= {"precision_at_1": [], "r_precision": [], "map_at_r": []}
    measured = []
    for q, query in enumerate(unit):
        if gallery is not None and q in gallery:
            continue
        others = [i for i in range(len(unit)) if ids[i] != ids[q] and (gallery is None or i in gallery)]
        cosines = {i: math.fsum(a * b for a, b in zip(query, unit[i], strict=True)) for i in others}
        scores = {i: round(cosine * 1e6) for i, cosine in cosines.items()}
        ranked = sorted(others, key=lambda i: (-scores[i], labels[i] == labels[q]))
        hits = [labels[i] == labels[q] for i in ranked]
        relevant = sum(hits)
        if relevant == 0:
            continue
        measured.append(q)
        for k in ks:
            totals[f"recall_at_{k}"].append(float(any(hits[:k])))
        totals["precision_at_1"].append(float(hits[0]))
        totals["r_precision"].append(sum(hits[:relevant]) / relevant)
        precisions = [sum(hits[: i + 1]) / (i + 1) for i in range(relevant) if hits[i]]
        totals["map_at_r"].append(sum(precisions) / relevant)
    return {"rows": measured, **totals}


def many_ties(seed: int, count: int = 60, dim: int = 4, classes: int = 7) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of small whole numbers: few directions, so most scores tie and many rows repeat."""
    random = np.random.default_rng(seed)
    rows = random.integers(-1, 2, size=(count, dim)).astype(np.float32)
    rows[~rows.any(axis=1)] = 1
    return rows, random.integers(classes, size=count)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("shared_ids", [False, True])
def test_every_query_scores_as_in_the_slow_reference(seed: int, shared_ids: bool) -> None:
    rows, labels = many_ties(seed)
    labels[0] = 99  # a class of one picture
    ids = np.arange(len(rows))
    if shared_ids:
        labels[40:50], ids[40:50], rows[40:50] = labels[:10], ids[:10], rows[:10]
    found = per_query_scores(rows, labels, (1, 2, 5, 40), ids=ids, block_size=16)
    wanted = reference(rows.tolist(), labels.tolist(), ids.tolist(), (1, 2, 5, 40))
    assert found.rows.tolist() == wanted.pop("rows")
    assert found.queries_without_match == len(rows) - len(found.rows) > 0
    for name, column in found.columns().items():
        assert column.tolist() == pytest.approx(wanted[name], abs=1e-12), name


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("shared_ids", [False, True])
def test_queries_against_a_gallery_score_as_in_the_slow_reference(seed: int, shared_ids: bool) -> None:
    rows, labels = many_ties(seed)
    is_query = np.random.default_rng(seed).random(len(rows)) < 0.4
    is_query[0], labels[0] = True, 99  # a query of whose class the gallery has nothing
    is_query[1], labels[1] = False, 98  # a picture that nobody looks for
    ids = np.arange(len(rows))
    if shared_ids:  # the same picture as a query and in the gallery
        labels[40:50], ids[40:50], rows[40:50] = labels[:10], ids[:10], rows[:10]
    found = per_query_scores(rows, labels, (1, 2, 5, 20), ids=ids, is_query=is_query, block_size=7)
    gallery = set(np.flatnonzero(~is_query).tolist())
    wanted = reference(rows.tolist(), labels.tolist(), ids.tolist(), (1, 2, 5, 20), gallery)
    assert found.rows.tolist() == wanted.pop("rows")
    assert found.queries_without_match == is_query.sum() - len(found.rows) > 0
    for name, column in found.columns().items():
        assert column.tolist() == pytest.approx(wanted[name], abs=1e-12), name


def test_every_picture_of_a_gallery_may_be_found() -> None:
    is_query = [True, True, False, False]
    assert retrieval_metrics(np.eye(4), [0, 1, 0, 1], ks=(2,), is_query=is_query).recall_at == {2: 1.0}
    with pytest.raises(MetricsError, match="gallery's 2 pictures, got 3"):
        retrieval_metrics(np.eye(4), [0, 1, 0, 1], ks=(3,), is_query=is_query)


@pytest.mark.parametrize("seed", range(3))
def test_random_directions_score_as_in_the_slow_reference(seed: int) -> None:
    random = np.random.default_rng(seed)
    labels = random.integers(6, size=80)
    rows = random.standard_normal((80, 5)) + labels[:, None]
    found = per_query_scores(rows, labels, (1, 3), block_size=7).columns()
    wanted = reference(rows.tolist(), labels.tolist(), list(range(80)), (1, 3))
    for name, column in found.items():
        assert column.tolist() == pytest.approx(wanted[name], abs=1e-12), name


def test_means_are_those_of_a_case_worked_by_hand() -> None:
    degrees = np.radians([0, 10, 21, 33, 46, 200])
    rows = np.stack([np.cos(degrees), np.sin(degrees)], axis=1)
    labels = ["a", "a", "b", "a", "b", "single"]
    # query 0 ranks 1 2 3 4: a b a b, R 2: P@1 1, RP 1/2, AP 1/2;   query 1 ranks 0 2 3: a b a: 1, 1/2, 1/2
    # query 2 ranks 1 3 0 4: a a a b, R 1: 0, 0, 0;   query 3 ranks 2 4 1 0, R 2: 0, 0, 0
    # query 4 ranks 3 2 1: a b a, R 1: 0, 0, 0
    found = retrieval_metrics(rows, labels, ks=(1, 2, 3))
    assert found.recall_at == {1: 0.4, 2: 0.6, 3: 0.8}
    assert found.means["precision_at_1"] == 0.4
    assert found.means["r_precision"] == pytest.approx(0.2)
    assert found.means["map_at_r"] == pytest.approx(0.2)
    assert (found.queries, found.queries_without_match) == (5, 1)


def test_map_at_r_divides_by_r_and_not_by_the_hits() -> None:
    degrees = np.radians([0, 1, 2, 90, 91])
    rows = np.stack([np.cos(degrees), np.sin(degrees)], axis=1)
    found = per_query_scores(rows, [0, 0, 1, 0, 1], ks=(1,))
    # query 0 ranks 1 (a) 2 (b) 3 (a): R = 2, one hit at rank 1: AP = (1/1) / 2, not 1
    assert found.by_metric["map_at_r"][0] == 0.5


def test_a_collapsed_network_earns_nothing() -> None:
    rows = np.ones((12, 8), dtype=np.float32)
    found = retrieval_metrics(rows, np.arange(12) % 3, ks=(1, 4, 8))
    assert found.recall_at == {1: 0.0, 4: 0.0, 8: 0.0}
    assert found.means["map_at_r"] == found.means["r_precision"] == 0.0


def test_scores_closer_than_the_step_count_as_tied() -> None:
    labels = [0, 0, 1, 1]
    tied = np.array([[1, 0], [1, 1e-4], [1, 5e-4], [1, 5e-4]])  # cosines with the first 1 - 5e-9, 1 - 1.25e-7
    assert per_query_scores(tied, labels, ks=(1,)).by_metric["precision_at_1"][0] == 0.0
    apart = np.array([[1, 0], [1, 1e-4], [1, 5e-3], [1, 5e-3]])  # 1 - 5e-9 and 1 - 1.25e-5
    assert per_query_scores(apart, labels, ks=(1,)).by_metric["precision_at_1"][0] == 1.0


def test_the_query_is_left_out_by_id_where_a_twin_of_another_class_ties_with_it() -> None:
    rows = np.array([[1, 0], [1, 0], [1, 0.1], [1, 0.1]])
    found = per_query_scores(rows, [0, 1, 0, 1], ks=(1, 2))
    # "drop rank 1" could drop the twin and find the query itself; by id the twin stays and is wrong
    assert found.hits.tolist() == [[False, False]] * 4


def test_rows_of_one_id_stay_out_of_each_others_galleries() -> None:
    rows = np.array([[1, 0], [1, 0], [0, 1], [0, 1], [0.9, 0.1], [0.1, 0.9]])
    labels = [0, 0, 1, 1, 1, 0]
    apart = retrieval_metrics(rows, labels, ks=(1,))
    shared = retrieval_metrics(rows, labels, ks=(1,), ids=[7, 7, 8, 8, 9, 10])
    assert apart.means["precision_at_1"] == pytest.approx(4 / 6)
    assert shared.means["precision_at_1"] == 0.0


def test_an_id_with_two_labels_is_refused() -> None:
    with pytest.raises(MetricsError, match="id 5 has two labels"):
        retrieval_metrics(np.eye(4), [0, 0, 1, 1], ks=(1,), ids=[4, 5, 5, 6])


@pytest.mark.parametrize("seed", range(4))
def test_no_block_size_changes_a_bit_of_any_figure(seed: int) -> None:
    random = np.random.default_rng(seed)
    # Differences of about one ranking step: float32 products round some of them differently by block size.
    rows = (1 + 2e-3 * random.standard_normal((150, 67))).astype(np.float32)
    labels = random.integers(8, size=150)
    results = [per_query_scores(rows, labels, block_size=size) for size in (1, 2, 3, 17, 64, 149, 1024)]
    for other in results[1:]:
        for name, column in other.columns().items():
            assert column.tobytes() == results[0].columns()[name].tobytes(), name
    assert 0 < results[0].means().means["precision_at_1"] < 1


def test_products_of_quantised_rows_are_exact_in_any_block() -> None:
    random = np.random.default_rng(0)
    lengths = 10.0 ** random.integers(-9, 9, size=(40, 1))
    rows = quantised_unit_rows(random.standard_normal((40, 131)) * lengths)
    whole = rows @ rows.T
    for first in (0, 13, 39):
        for second in (1, 20, 38):
            exact = sum(Fraction(a) * Fraction(b) for a, b in zip(rows[first], rows[second], strict=True))
            assert Fraction(whole[first, second]) == exact
    shuffled = random.permutation(131)
    assert (rows[:7, shuffled] @ rows[:, shuffled].T).tobytes() == whole[:7].tobytes()
    assert np.abs(np.linalg.norm(rows, axis=1) - 1).max() < 1e-7


def test_the_memory_layout_of_the_embeddings_changes_nothing() -> None:
    rows = np.random.default_rng(0).standard_normal((30, 65)).astype(np.float32)
    assert unit_rows(np.asfortranarray(rows)).tobytes() == unit_rows(rows).tobytes()


def test_blocks_shrink_where_the_gallery_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_SCORES_AT_ONCE", 600)
    rows, labels = many_ties(0)
    seen: list[tuple[str, int, int]] = []
    bounded = retrieval_metrics(rows, labels, progress=lambda *report: seen.append(report))
    assert seen[0] == ("metrics", 10, 60)
    assert seen[-1] == ("metrics", 60, 60)
    monkeypatch.undo()
    assert retrieval_metrics(rows, labels) == bounded


def test_the_length_of_an_embedding_does_not_matter() -> None:
    rows, labels = many_ties(3)
    lengths = 10.0 ** np.random.default_rng(0).integers(-200, 200, size=(len(rows), 1))
    assert retrieval_metrics(rows * lengths, labels) == retrieval_metrics(rows, labels)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_row_that_is_not_finite_is_refused_and_named(bad: float) -> None:
    rows = np.ones((6, 3))
    rows[4, 1] = bad
    with pytest.raises(MetricsError, match="embedding 4 is not finite"):
        retrieval_metrics(rows, [0] * 6, ks=(1,))


def test_a_zero_row_is_refused_and_named() -> None:
    rows = np.ones((6, 3))
    rows[2] = 0
    with pytest.raises(MetricsError, match="embedding 2 is all zeros"):
        retrieval_metrics(rows, [0] * 6, ks=(1,))


@pytest.mark.parametrize("k", [0, -1, 6, 1.0, True])
def test_a_k_outside_the_gallery_is_refused_and_named(k: Any) -> None:
    with pytest.raises(MetricsError, match=f"got {k!r}"):
        retrieval_metrics(np.eye(6), [0] * 6, ks=(1, k))


def test_the_largest_k_is_the_whole_gallery_without_the_query() -> None:
    assert retrieval_metrics(np.eye(6), [0, 0, 1, 1, 2, 2], ks=(5,)).recall_at == {5: 1.0}
    with pytest.raises(MetricsError, match="gallery's 4 pictures, got 5"):
        retrieval_metrics(np.eye(6), [0, 0, 1, 1, 2, 2], ks=(5,), ids=[0, 0, 1, 2, 3, 4])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"embeddings": np.ones(4)}, "filled"),
        ({"embeddings": np.ones((0, 4)), "labels": []}, "filled"),
        ({"labels": [0, 0, 1]}, "labels must be one for each of the 4"),
        ({"ids": [1, 2]}, "ids must be one for each of the 4"),
        ({"ks": ()}, "ks is empty"),
        ({"is_query": [True, False]}, "is_query must be true or false for each of the 4 rows"),
        ({"is_query": [1, 0, 1, 0]}, "is_query must be true or false for each of the 4 rows, got int64"),
        ({"is_query": [True] * 4}, "leave at least one picture as the gallery"),
        ({"is_query": [False] * 4}, "name at least one query"),
        ({"is_query": [True, True, False, False]}, "no query has a picture of its class in the gallery"),
        ({"block_size": 0}, "block_size must be at least 1, got 0"),
        ({"labels": [0, 1, 2, 3]}, "no class has two pictures"),
    ],
)
def test_wrong_input_is_refused_in_words(arguments: dict[str, Any], message: str) -> None:
    right: dict[str, Any] = {"embeddings": np.eye(4), "labels": [0, 0, 1, 1], "ks": (1,)}
    with pytest.raises(MetricsError, match=message) as caught:
        retrieval_metrics(**(right | arguments))
    assert isinstance(caught.value, MlcoreError) and isinstance(caught.value, ValueError)


def test_metrics_survive_json() -> None:
    found = retrieval_metrics(*many_ties(0), ks=(4, 1, 4))
    stored = json.loads(json.dumps(found.to_json()))
    assert list(stored["recall_at"]) == ["1", "4"]
    assert (
        stored["map_at_r"] == found.means["map_at_r"] and stored["queries_without_match"] == found.queries_without_match
    )


def test_clusters_of_separated_classes_score_one_and_of_noise_near_zero() -> None:
    random = np.random.default_rng(0)
    labels = np.repeat(["a", "b", "c"], 30)
    rows = np.repeat(np.eye(3), 30, axis=0) + 0.01 * random.standard_normal((90, 3))
    # Scaled rows have the same directions: clusters of length would mix the classes.
    scaled = rows * random.uniform(0.1, 10, size=(90, 1))
    assert clustering_metrics(scaled, labels, seed=0) == pytest.approx({"nmi": 1.0, "ami": 1.0})
    noise = clustering_metrics(random.standard_normal((90, 3)), labels, seed=0)
    assert abs(noise["ami"]) < 0.1
    assert clustering_metrics(rows, labels, seed=3) == clustering_metrics(rows, labels, seed=3)


def test_clustering_refuses_what_cannot_be_measured() -> None:
    with pytest.raises(MetricsError, match="not finite"):
        clustering_metrics([[1.0, np.nan]], [0], seed=0)
    with pytest.raises(MetricsError, match="labels must be one for each of the 3"):
        clustering_metrics(np.eye(3), [0, 1], seed=0)
