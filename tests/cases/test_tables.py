"""Whatever wrote the table of labels, embeddings are measured by it, or the refusal says what is wrong."""

import json
from pathlib import Path

import numpy as np
import pytest

from mlcore.cli import main
from mlcore.datasets import load_dataset
from tests.cases.pictures import imported_classes
from tests.cases.tables import MEASURED, REFUSED, write_embeddings

Capture = pytest.CaptureFixture[str]


def evaluated(folder: Path, table: bytes) -> int:
    (folder / "labels.csv").write_bytes(table)
    files = ["--embeddings", str(write_embeddings(folder)), "--labels", str(folder / "labels.csv")]
    return main(["evaluate", *files, "--k", "1", "--json"])


@pytest.mark.parametrize("name", MEASURED)
def test_embeddings_are_measured(name: str, tmp_path: Path, capsys: Capture) -> None:
    assert evaluated(tmp_path, MEASURED[name]) == 0
    measured = json.loads(capsys.readouterr().out)
    assert (measured["classes"], measured["recall_at"]["1"]) == (4, 1.0)


@pytest.mark.parametrize("name", REFUSED)
def test_table_is_refused_with_the_reason(name: str, tmp_path: Path, capsys: Capture) -> None:
    table, words = REFUSED[name]
    assert evaluated(tmp_path, table) == 1
    assert words in capsys.readouterr().err


def test_numbers_that_look_alike_stay_two_classes(tmp_path: Path, capsys: Capture) -> None:
    text = MEASURED["byte-order mark before the only column"].decode("utf-8-sig").replace("001", "1", 2)
    assert evaluated(tmp_path, text.encode()) == 0
    assert json.loads(capsys.readouterr().out)["classes"] == 5


@pytest.mark.parametrize(
    ("encoding", "header", "end"),
    [("utf-8-sig", "path", "\r\n"), ("utf-16", "Path", "\n"), ("utf-8-sig", "PATH;", ";\n"), ("utf-8", " path ", "\r")],
)
def test_embeddings_are_added_by_a_list_in_any_dialect(encoding: str, header: str, end: str, tmp_path: Path) -> None:
    data = imported_classes(tmp_path, {"train": (3, 3), "test": (2, 3)})
    pictures = load_dataset(data).pictures
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(len(pictures), 8)).astype(np.float32))
    text = header.rstrip(";") + end + "".join(f"{picture.path}{end}" for picture in pictures)
    (tmp_path / "list.csv").write_bytes(text.encode(encoding))
    files = ["--embeddings", str(tmp_path / "x.npy"), "--images", str(tmp_path / "list.csv")]
    status = main(["add-embeddings", *files, "--data", str(data), "--out", str(tmp_path / "out")])
    assert (status, len(np.load(tmp_path / "out" / "embeddings.npy"))) == (0, len(pictures))
