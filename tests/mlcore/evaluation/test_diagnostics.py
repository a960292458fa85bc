"""Diagnostics against slow formulas, and on spaces whose faults are known."""

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import skew

from mlcore.artifacts import write_json
from mlcore.datasets import DatasetFolder, Picture
from mlcore.errors import MetricsError
from mlcore.evaluation.diagnostics import GRADIENT_NORMS, diagnose, read_details, write_details
from mlcore.evaluation.embedding_geometry import spectral_decay
from mlcore.evaluation.evaluate import score
from mlcore.evaluation.metric_table import DIAGNOSTICS
from mlcore.evaluation.near_duplicates import NearDuplicate


def space(classes=6, per_class=8, dim=5, spread=0.6, seed=0):
    """Return (embeddings, labels, ids) of classes around random centres; ids are not row numbers."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes) + 40, per_class)
    centres = random.normal(size=(classes, dim))
    embeddings = centres[labels - 40] + spread * random.normal(size=(len(labels), dim))
    return embeddings.astype(np.float32), labels, np.arange(len(labels)) * 3 + 1000


def diagnosed(embeddings, labels, ids):
    return diagnose(embeddings, labels, ids, score(embeddings, labels))


def test_figures_match_slow_formulas():
    embeddings, labels, ids = space()
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True).astype(np.float64)
    figures = diagnosed(embeddings, labels, ids).figures
    distances = cdist(unit, unit)
    same = (labels[:, None] == labels) & ~np.eye(len(labels), dtype=bool)
    other = ~np.eye(len(labels), dtype=bool)
    centres = np.array([unit[labels == label].mean(axis=0) for label in np.unique(labels)])
    between = cdist(centres, centres)[~np.eye(len(centres), dtype=bool)].mean()
    assert figures["density"] == pytest.approx(distances[same].mean() / between, rel=1e-6)
    assert figures["alignment"] == pytest.approx((distances[same] ** 2).mean(), rel=1e-6)
    assert figures["uniformity"] == pytest.approx(np.log(np.exp(-2 * distances[other] ** 2).mean()), rel=1e-6)
    np.fill_diagonal(distances, np.inf)
    near = np.argsort(distances, axis=1)[:, :10]
    found = np.bincount(near.ravel(), minlength=len(labels))
    assert figures["hubness"] == pytest.approx(skew(found), rel=1e-9)
    assert figures["never_found"] == (found == 0).mean()


def test_queries_find_neighbours_and_hubs_in_their_gallery_alone():
    embeddings, labels, ids = space(spread=1.0)
    is_query = np.arange(len(labels)) % 3 == 0
    diagnosis = diagnose(embeddings, labels, ids, score(embeddings, labels, is_query=is_query), is_query=is_query)
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True).astype(np.float64)
    near = np.argsort(cdist(unit[is_query], unit[~is_query]), axis=1)[:, :10]
    found = np.bincount(near.ravel(), minlength=np.count_nonzero(~is_query))
    assert diagnosis.figures["hubness"] == pytest.approx(skew(found), rel=1e-9)
    assert diagnosis.figures["never_found"] == (found == 0).mean()
    assert [hub["found"] for hub in diagnosis.details["hubs"]] == sorted(found, reverse=True)[:10]
    results = {result["id"] for query in diagnosis.details["worst_queries"] for result in query["results"]}
    queries = {query["id"] for query in diagnosis.details["worst_queries"]}
    assert queries <= set(ids[is_query]) and results <= set(ids[~is_query])
    everyone = diagnosed(embeddings, labels, ids).figures
    assert {name: diagnosis.figures[name] for name in ("density", "alignment", "uniformity", "spectral_decay")} == {
        name: everyone[name] for name in ("density", "alignment", "uniformity", "spectral_decay")
    }


def test_a_gallery_smaller_than_ten_is_found_whole():
    embeddings, labels, ids = space(classes=3, per_class=4)
    is_query = np.arange(len(labels)) % 2 == 0
    diagnosis = diagnose(embeddings, labels, ids, score(embeddings, labels, is_query=is_query), is_query=is_query)
    assert diagnosis.details["neighbours"] == 6 and diagnosis.figures["never_found"] == 0


def test_spectral_decay_is_zero_for_equal_directions_and_grows_with_fewer():
    random = np.random.default_rng(0)
    assert spectral_decay(np.eye(8)) == pytest.approx(0, abs=1e-12)
    values = np.linalg.svd(rows := random.normal(size=(50, 4)), compute_uv=False)
    shares = values / values.sum()
    assert spectral_decay(rows) == pytest.approx(np.mean(np.log(0.25 / shares)), rel=1e-9)
    flat = random.normal(size=(50, 2)) @ random.normal(size=(2, 8))
    assert spectral_decay(flat) > spectral_decay(random.normal(size=(50, 8))) + 1


def test_one_picture_that_everybody_finds_is_the_first_hub():
    labels = np.arange(40) // 2
    embeddings = np.eye(40) + 0.01 * np.random.default_rng(0).random((40, 40))
    embeddings[7] = 1
    found = diagnosed(embeddings, labels, np.arange(40)).details["hubs"]
    assert found[0] == {"id": 7, "label": 3, "found": 39}


def test_worst_queries_are_named_by_id_with_what_they_got():
    embeddings, labels, ids = space(spread=0.05)
    embeddings[5] = embeddings[labels == 43][0]  # a picture of class 40 that looks just like one of class 43
    worst = diagnosed(embeddings, labels, ids).details["worst_queries"][0]
    assert (worst["id"], worst["label"], worst["average_precision"]) == (ids[5], 40, 0)
    assert worst["results"][0] == {"id": ids[labels == 43][0], "label": 43, "similarity": 1.0}
    assert len(worst["results"]) == 5
    assert ids[5] not in [result["id"] for result in worst["results"]]


def test_classes_stand_from_the_worst_up_and_agree_with_the_mean():
    embeddings, labels, ids = space(spread=1.2)
    diagnosis = diagnosed(embeddings, labels, ids)
    recalls = [entry["recall_at_1"] for entry in diagnosis.details["classes"]]
    assert recalls == sorted(recalls)
    assert np.mean(recalls) == pytest.approx(score(embeddings, labels).means().recall_at[1])
    assert diagnosis.figures["worst_class_recall_at_1"] == recalls[0]
    assert diagnosis.figures["classes_below_half"] == np.mean([recall < 0.5 for recall in recalls])


def test_singletons_are_results_and_no_queries():
    embeddings, labels, ids = space()
    labels = labels.copy()
    labels[0] = 99
    diagnosis = diagnosed(embeddings, labels, ids)
    assert 99 not in [entry["label"] for entry in diagnosis.details["classes"]]
    assert ids[0] not in [query["id"] for query in diagnosis.details["worst_queries"]]


def test_a_collapsed_space_gives_numbers_and_no_density():
    figures = diagnosed(np.ones((6, 4)), np.arange(6) // 2, np.arange(6)).figures
    assert figures["uniformity"] == pytest.approx(0, abs=1e-6)
    assert figures["spectral_decay"] > 5
    assert set(figures) == set(DIAGNOSTICS) - {"density", "near_duplicates", *GRADIENT_NORMS}


def test_two_pictures_of_one_class_are_enough():
    diagnosis = diagnosed(np.eye(2), np.zeros(2, int), np.arange(2))
    assert diagnosis.details["neighbours"] == 1
    assert "density" not in diagnosis.figures


def test_near_duplicates_are_counted_and_named():
    found = [NearDuplicate(1000, 7, 0.99)]
    diagnosis = diagnosed(*space()).with_near_duplicates(found)
    assert diagnosis.figures["near_duplicates"] == 1
    assert diagnosis.details["near_duplicates"] == [{"measured": 1000, "trained": 7, "correlation": 0.99}]


def test_gradients_are_those_of_the_last_epoch_and_warnings_of_all():
    history = [
        {"epoch": 1, "network_gradient_norm": 2.0, "proxy_gradient_norm": 0.5, "warnings": ["the space collapses"]},
        {"epoch": 2, "network_gradient_norm": 1.5, "proxy_gradient_norm": 0.25},
    ]
    diagnosis = diagnosed(*space()).with_training(history).with_near_duplicates([])
    assert set(diagnosis.figures) == set(DIAGNOSTICS)
    assert [diagnosis.figures[name] for name in GRADIENT_NORMS] == [1.5, 0.25]
    assert diagnosis.details["warnings"] == ["epoch 1: the space collapses"]
    untrained = diagnosed(*space()).with_training([])
    assert untrained.details["warnings"] == [] and not set(GRADIENT_NORMS) & set(untrained.figures)


def test_details_name_every_class_and_picture_they_speak_of():
    embeddings, labels, ids = space()
    labels = labels - 40
    labels[0] = 6  # a class of one picture is a result and not among the classes measured
    pictures = tuple(Picture(int(i), f"{i}.jpg", int(label), "test", "") for i, label in zip(ids, labels, strict=True))
    dataset = DatasetFolder(Path("set"), "set", tuple("abcdefg"), pictures, "")
    details = diagnosed(embeddings, labels, ids).named(dataset).details
    shown = [*details["hubs"], *details["worst_queries"]]
    shown += [result for query in details["worst_queries"] for result in query["results"]]
    assert all(details["paths"][str(one["id"])] == f"{one['id']}.jpg" for one in shown)
    assert all(details["class_names"][str(one["label"])] == "abcdefg"[one["label"]] for one in shown)


def test_rows_that_are_not_finite_are_refused():
    embeddings, labels, ids = space()
    scores = score(embeddings, labels)
    embeddings[3] = np.nan
    with pytest.raises(MetricsError, match="not finite"):
        diagnose(embeddings, labels, ids, scores)


def test_details_come_back_as_they_were_written(tmp_path):
    diagnosis = diagnosed(*space())
    assert read_details(tmp_path) is None
    write_details(tmp_path, diagnosis)
    assert read_details(tmp_path) == diagnosis.details


def test_details_of_release_0_1_are_read_with_the_keys_of_today(tmp_path: Path) -> None:
    old = {"id": 1, "label": 0, "cosine": 0.5}
    details = {"worst_queries": [{"id": 2, "label": 1, "answers": [old]}], "hubs": []}
    write_json(tmp_path / "diagnostics.json", details)
    found = {"id": 2, "label": 1, "results": [{"id": 1, "label": 0, "similarity": 0.5}]}
    assert read_details(tmp_path) == {"worst_queries": [found], "hubs": []}
