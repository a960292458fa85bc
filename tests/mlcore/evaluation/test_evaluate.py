"""Anybody's embeddings are measured, once they fit their labels."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlcore.errors import CheckpointError, DatasetError
from mlcore.evaluation import evaluate
from mlcore.evaluation.evaluate import measure, read_labelled, read_per_query

ROWS = np.array([[1, 0], [1, 0.1], [0, 1], [0.1, 1]], np.float32)


def files(folder: Path, labels: str, rows: Any = ROWS) -> tuple[Path, Path]:
    np.save(folder / "x.npy", rows)
    (folder / "y.csv").write_text(labels)
    return folder / "x.npy", folder / "y.csv"


@pytest.mark.parametrize(
    "text",
    [
        "label\nape\nape\nbee\nbee\n",
        "ape\nape\nbee\nbee\n",
        "id,label,path\n4,ape,a\n5,ape,b\n6,bee,c\n7,bee,d\n",
        "label\nape\nape\nbee\nbee\n\n",
        "Label\nape\nape\nbee\nbee\n",
        "species\nape\nape\nbee\nbee\n",
        "path;CLASS\na;ape\nb;ape\nc;bee\nd;bee\n",
        "path, label\na, ape\nb, ape\nc, bee\nd, bee\n",
    ],
    ids=[
        "named",
        "alone",
        "among others",
        "empty line at the end",
        "upper case",
        "another header alone",
        "semicolons",
        "blanks",
    ],
)
def test_labels_of_any_text_become_numbers(tmp_path: Path, text: str) -> None:
    embeddings, labels = read_labelled(*files(tmp_path, text))
    assert labels.tolist() == [0, 0, 1, 1]
    assert np.array_equal(embeddings, ROWS) and embeddings.dtype == np.float32


@pytest.mark.parametrize(
    ("labels", "rows", "message"),
    [
        ("label\nape\n", ROWS, r"x.npy has shape \(4, 2\), y.csv has 1 labels; expected \[N, D\] and N"),
        ("ape\n" * 4, ROWS[0], r"x.npy has shape \(2,\)"),
        ("id,name\n1,ape\n", ROWS, "y.csv needs a column 'label' or 'class'; its header has 'id', 'name'"),
        ("id,label\n1,ape\n2\n3,bee\n4,bee\n", ROWS, "line 3 of y.csv has 1 columns, its header has 2"),
        ("ape\n" * 4, np.array([["a"]] * 4), "x.npy must hold one array of numbers"),
        ("ape\n" * 4, np.array([[None]] * 4), "cannot read the embeddings"),
    ],
)
def test_files_that_do_not_fit_are_refused(tmp_path: Path, labels: str, rows: Any, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        read_labelled(*files(tmp_path, labels, rows))


@pytest.mark.parametrize("content", [b"", b"not an array"])
def test_a_file_that_is_no_array_is_refused(tmp_path: Path, content: bytes) -> None:
    embeddings, labels = files(tmp_path, "ape\n" * 4)
    embeddings.write_bytes(content)
    with pytest.raises(DatasetError, match=r"cannot read the embeddings in x.npy"):
        read_labelled(embeddings, labels)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_labels_are_read_in_every_encoding_that_says_what_it_is(tmp_path: Path, encoding: str) -> None:
    embeddings, labels = files(tmp_path, "")
    labels.write_text("label\nGrünfink\nGrünfink\nbee\nbee\n", encoding)
    assert read_labelled(embeddings, labels)[1].tolist() == [0, 0, 1, 1]


def test_another_encoding_is_named(tmp_path: Path) -> None:
    embeddings, labels = files(tmp_path, "")
    labels.write_text("label\nape\nGrünfink\nbee\nbee\n", "latin-1")
    with pytest.raises(DatasetError, match="byte 0xfc in line 3 .*save it as UTF-8"):
        read_labelled(embeddings, labels)


def test_an_archive_of_arrays_is_refused(tmp_path: Path) -> None:
    _, labels = files(tmp_path, "ape\n" * 4)
    np.savez(tmp_path / "x.npz", ROWS)
    with pytest.raises(DatasetError, match="must hold one array of numbers"):
        read_labelled(tmp_path / "x.npz", labels)


def test_missing_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="cannot read .*No such file"):
        read_labelled(tmp_path / "x.npy", tmp_path / "y.csv")


def test_a_k_that_a_small_gallery_has_not_is_left_out() -> None:
    metrics = measure(ROWS, np.array([0, 0, 1, 1]), ks=(1, 2, 64))
    assert list(metrics["recall_at"]) == ["1", "2"]
    assert metrics["recall_at"]["1"] == 1 and metrics["classes"] == 2


def test_intervals_surround_their_figure_and_may_be_left_out() -> None:
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(10), 6)
    rows = (random.normal(size=(10, 4))[labels] + random.normal(size=(60, 4))).astype(np.float32)
    metrics = measure(rows, labels)
    low, high = metrics["intervals"]["map_at_r"]
    assert low < metrics["map_at_r"] < high
    assert measure(rows, labels) == metrics, "the same seed, the same intervals"
    assert "intervals" not in measure(rows, labels, intervals=False)


def test_clusters_are_counted_on_request_and_not_for_thousands_of_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    labels, phases = np.array([0, 0, 1, 1]), []
    metrics = measure(ROWS, labels, clusters=True, progress=lambda phase, done, total: phases.append(phase))
    assert math.isclose(metrics["nmi"], 1) and math.isclose(metrics["ami"], 1) and "clusters" in phases
    assert "nmi" not in measure(ROWS, labels)
    monkeypatch.setattr(evaluate, "MOST_CLUSTERED_CLASSES", 1)
    assert "nmi" not in measure(ROWS, labels, clusters=True)


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 cut short"])
def test_damaged_scores_of_queries_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "per_query.npz").write_bytes(content)
    with pytest.raises(CheckpointError, match="the scores of each query in .* cannot be read"):
        read_per_query(tmp_path)
