"""What is measured: all held-out pictures, or queries against their gallery, by whoever embeds."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mlcore.artifacts import read_json
from mlcore.datasets import DatasetFolder
from mlcore.evaluation.evaluate import read_per_query, score
from mlcore.evaluation.results import measure_rows
from mlcore.external.external_embeddings import add_embeddings
from mlcore.training.train import train
from tests.mlcore.tiny import parted, paths_in, tiny_spec


def test_queries_alone_are_scored_and_the_size_of_their_gallery_is_said(wings: DatasetFolder) -> None:
    dataset = parted(wings)
    rows, is_query = dataset.held_out, dataset.is_query(dataset.held_out)
    assert is_query is not None
    embeddings = np.random.default_rng(0).standard_normal((len(rows), 6)).astype(np.float32)
    measured = measure_rows(embeddings, dataset, rows)
    alone = score(embeddings, dataset.labels[rows], is_query=is_query)
    assert measured.scores.rows.tolist() == np.flatnonzero(is_query).tolist() == alone.rows.tolist()
    assert measured.metrics["map_at_r"] == alone.means().means["map_at_r"]
    assert (measured.metrics["queries"], measured.metrics["gallery"], measured.metrics["queries_without_match"]) == (
        8,
        16,
        0,
    )
    assert "gallery" not in measure_rows(embeddings, wings, rows).metrics


@pytest.mark.usefixtures("one_thread")
def test_recall_is_at_the_ks_of_the_data_set_where_its_gallery_is_large_enough(
    wings: DatasetFolder, tmp_path: Path, cache_root: Path
) -> None:
    dataset = replace(wings, ks=(1, 3, 10, 1000))
    paths = paths_in(tmp_path, cache_root)
    metrics = train(tiny_spec(epochs=1, selection="validation", validation_classes=2), dataset, paths)
    assert list(metrics["recall_at"]) == ["1", "3", "10"]
    (epoch,) = (json.loads(line) for line in (paths.out / "history.jsonl").read_text().splitlines())
    assert epoch["validation"]["recall_at"].keys() == metrics["recall_at"].keys()
    assert {name for name in metrics["intervals"] if "recall" in name} == {"recall_at_1", "recall_at_3", "recall_at_10"}


@pytest.mark.usefixtures("one_thread")
def test_a_run_and_embeddings_from_elsewhere_are_measured_alike(
    wings: DatasetFolder, tmp_path: Path, cache_root: Path
) -> None:
    dataset = parted(wings)
    paths = paths_in(tmp_path, cache_root)
    trained = train(tiny_spec(epochs=1), dataset, paths)
    with (tmp_path / "pictures.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("path",), *((picture.path,) for picture in dataset.pictures)])
    brought = add_embeddings(paths.out / "embeddings.npy", tmp_path / "pictures.csv", dataset, tmp_path / "brought")
    figures = ("recall_at", "map_at_r", "r_precision", "queries", "gallery", "intervals")
    assert {name: brought[name] for name in figures} == {name: trained[name] for name in figures}
    assert read_json(paths.out / "metrics.json")["queries"] == 8
    assert read_per_query(paths.out).ids.tolist() == dataset.ids[dataset.rows("query")].tolist()
