"""The further metrics of a report: means over seeds, rows that were not measured, and runs that are measured later."""

import csv
import io
import json
import shutil
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np
import pytest

from mlcore.artifacts import read_json, write_json
from mlcore.cli import main
from mlcore.comparison import significance
from mlcore.comparison.plan import Comparison
from mlcore.comparison.report.document import document_of
from mlcore.comparison.report.further_charts import further_charts
from mlcore.comparison.report.further_tables import further_means, further_tables
from mlcore.comparison.report.rendering import rendered
from mlcore.comparison.results import files_in, read_results
from mlcore.comparison.running import run_comparison
from mlcore.comparison.workspace import ComparisonWorkspace
from mlcore.datasets import DatasetFolder
from mlcore.evaluation.query_corruptions import CORRUPTIONS
from tests.mlcore.tiny import head_protocol

CELLS = ("n_pairs-s0", "n_pairs-s1")


@pytest.fixture(scope="module")
def finished(wings: DatasetFolder, tmp_path_factory: pytest.TempPathFactory, cache_root: Path) -> Path:
    folder = tmp_path_factory.mktemp("finished") / "whole"
    comparison = Comparison(
        name="$x_1$", protocol=head_protocol(epochs=1, dim=12), losses={"n_pairs": {}}, seeds=(0, 1)
    )
    run_comparison(ComparisonWorkspace(folder, wings, None, cache_root), comparison)
    return folder


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(finished, tmp_path / "comparison"))


@pytest.fixture(autouse=True)
def fewer_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(significance, "DRAWS", 200)


def document(folder: Path) -> dict[str, Any]:
    return document_of(read_results(files_in(folder)))


def further(*arguments: object) -> int:
    return main(["further", *map(str, arguments)])


def test_a_row_is_the_mean_and_deviation_of_its_seeds(folder: Path) -> None:
    stored = [read_json(folder / "cells" / name / "further.json") for name in CELLS]
    row = document(folder)["further"]["rows"]["n_pairs"]
    assert set(row["sizes"]) == {"pca", "first", "int8"} and [size["dims"] for size in row["sizes"]["pca"]] == [8, 12]
    values = [found["sizes"][0]["pca"]["map_at_r"] for found in stored]
    assert row["sizes"]["pca"][0]["scores"]["map_at_r"] == pytest.approx({"mean": fmean(values), "sd": stdev(values)})
    areas = [found["open_set"]["auroc"] for found in stored]
    assert row["open_set"]["auroc"] == pytest.approx({"mean": fmean(areas), "sd": stdev(areas)})
    assert row["robustness"] == {}


def test_what_lacks_one_seed_is_not_measured_until_it_is(
    folder: Path, wings: DatasetFolder, cache_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, file = document(folder), folder / "cells" / CELLS[1] / "further.json"
    before = file.read_bytes()
    file.unlink()
    found = document(folder)
    assert "n_pairs" not in found["further"]["rows"] and "untrained" in found["further"]["rows"]
    for table in further_tables(found):
        cells = dict(table.rows)["N-pairs"]
        assert cells[0] == "not measured" and len(cells) == len(table.columns)
    assert further(folder, "--data", wings.folder, "--cache", cache_root, "--json") == 0
    assert '"measured": 1' in capsys.readouterr().out
    assert file.read_bytes() == before and document(folder) == whole
    assert further(folder, "--data", wings.folder, "--cache", cache_root) == 0 and file.read_bytes() == before
    for one in folder.glob("cells/*/further.json"):
        one.unlink()
    found = document(folder)
    assert found["further"] is None and further_tables(found) == [] and further_charts(found) == {}
    assert "Fewer dimensions" not in rendered(found)["html"] + rendered(found)["md"] + rendered(found)["tex"]


def test_altered_queries_are_measured_where_they_are_asked_for(
    folder: Path, wings: DatasetFolder, cache_root: Path
) -> None:
    assert "further COMPARISON" in further_tables(document(folder))[-1].text
    assert further(folder, "--data", wings.folder, "--cache", cache_root, "--robustness") == 0
    found = document(folder)
    row = found["further"]["rows"]["n_pairs"]["robustness"]
    assert set(row) == {"clean", *CORRUPTIONS, "drop"}
    clean = next(one for one in found["rows"] if one["name"] == "n_pairs")["metrics"]["map_at_r"]["mean"]
    assert row["clean"]["map_at_r"]["mean"] == pytest.approx(clean)
    altered = fmean(row[kind]["map_at_r"]["mean"] for kind in CORRUPTIONS)
    assert row["drop"]["map_at_r"]["mean"] == pytest.approx(clean - altered)
    table = further_tables(found)[-1]
    assert "not measured" not in str(table.rows) and "further COMPARISON" not in table.text
    assert set(further_charts(found)) == {table.name for table in further_tables(found)}


def test_one_run_alone_is_measured_and_an_empty_folder_is_an_error(
    folder: Path, wings: DatasetFolder, cache_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = folder / "cells" / CELLS[0]
    (run / "further.json").unlink()
    assert further(run, "--data", wings.folder, "--cache", cache_root) == 0 and (run / "further.json").is_file()
    assert further(tmp_path, "--data", wings.folder, "--cache", cache_root) == 1
    assert "holds no finished run" in capsys.readouterr().err
    (folder / "cells" / CELLS[1]).rename(folder / "cells" / ".n_pairs-s1-cut-off")
    assert further(folder, "--data", wings.folder, "--cache", cache_root, "--json") == 0
    assert '"runs": 3' in capsys.readouterr().out, "with the two baselines"
    (run / "further.json").unlink()
    described = read_json(run / "model.json")
    write_json(run / "model.json", described | {"dataset": {"name": "moths", "fingerprint": "0"}})
    assert further(run, "--data", wings.folder, "--cache", cache_root) == 1
    assert "embeddings of moths" in capsys.readouterr().err
    write_json(run / "model.json", described | {"measured_on": "validation"})
    assert further(run, "--data", wings.folder, "--cache", cache_root) == 1
    assert "validation classes" in capsys.readouterr().err


def test_rows_are_found_by_the_ids_of_their_pictures(folder: Path, wings: DatasetFolder, cache_root: Path) -> None:
    run = folder / "cells" / CELLS[0]
    before = read_json(run / "further.json")
    (run / "further.json").unlink()
    values, lines = np.load(run / "embeddings.npy"), (run / "images.csv").read_text().splitlines()
    np.save(run / "embeddings.npy", values[::-1])
    (run / "images.csv").write_text("\n".join([lines[0], *lines[:0:-1]]) + "\n")
    assert further(run, "--data", wings.folder, "--cache", cache_root) == 0
    assert read_json(run / "further.json") == before


def test_every_format_has_the_tables_and_html_their_drawings(folder: Path) -> None:
    found = document(folder)
    texts = rendered(found)
    cell = dict(further_tables(found)[0].rows)["N-pairs"][0]
    for suffix in ("html", "md"):
        assert cell in texts[suffix], suffix
    assert cell.replace("±", r"$\pm$") in texts["tex"]
    for table in further_tables(found):
        assert table.title in texts["html"] and f"## {table.title}" in texts["md"] and table.title in texts["tex"]
    assert texts["html"].count("<svg") == 2 + len(further_charts(found))
    stored = json.loads(texts["json"])  # whose keys are in the order of the alphabet
    for part in (further_tables, further_charts, further_means):
        assert part(stored) == part(found)
    assert list(further_means(stored)["n_pairs"]) == list(further_means(found)["n_pairs"])
    (line,) = [row for row in csv.DictReader(io.StringIO(texts["csv"])) if row["row"] == "n_pairs"]
    row = found["further"]["rows"]["n_pairs"]
    assert float(line["auroc"]) == row["open_set"]["auroc"]["mean"]
    assert float(line["pca_8_map_at_r"]) == row["sizes"]["pca"][0]["scores"]["map_at_r"]["mean"]
    assert all(said in further_charts(found)["open-set"] for said in ("AUROC", "Unknown rejected"))
    assert "of the queries, drawn once" not in texts["html"]
    part = found | {"further": found["further"] | {"queries": 10}}
    assert rendered(part)["html"].count("10 of the queries, drawn once") == len(further_tables(found))
