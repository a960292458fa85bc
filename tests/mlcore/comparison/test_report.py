"""A report says what its cells say, no more, and in every format the same."""

import csv
import io
import json
import re
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlcore.artifacts import read_json, write_json
from mlcore.cli import main
from mlcore.comparison import significance
from mlcore.comparison.plan import Comparison, Tuning
from mlcore.comparison.report.document import BOOTSTRAP, FORMAT, current_format, document_of
from mlcore.comparison.report.figures import slide_chart
from mlcore.comparison.report.formatting import (
    bibtex_entry,
    matrix_of,
    metrics_markdown,
    p_text,
    points_text,
    to_best_of,
)
from mlcore.comparison.report.rendering import rendered
from mlcore.comparison.results import Results, files_in, files_listed, read_results
from mlcore.comparison.running import run_comparison
from mlcore.comparison.workspace import ComparisonWorkspace
from mlcore.datasets import DatasetFolder
from mlcore.errors import ComparisonError
from mlcore.evaluation.diagnostics import GRADIENT_NORMS
from mlcore.evaluation.metric_table import DIAGNOSTICS
from tests import planted as planting
from tests.mlcore.tiny import head_protocol, parted

NASTY = r"<b>100%</b> & $x_1$ | `a` \ {c} #"


def comparison(**changes: Any) -> Comparison:
    fields: dict[str, Any] = {
        "name": NASTY,
        "protocol": head_protocol(epochs=2, dim=8),
        "losses": {"soft_triple": {}, "n_pairs": {}},
        "seeds": (0, 1),
    }
    return Comparison(**{**fields, **changes})


@pytest.fixture(scope="module")
def finished(wings: DatasetFolder, tmp_path_factory: pytest.TempPathFactory, cache_root: Path) -> Path:
    folder = tmp_path_factory.mktemp("finished") / "whole"
    whole = comparison(
        losses={"soft_triple": {"centers": 2}, "n_pairs": {}}, tuning=Tuning(trials=2, validation_classes=2)
    )
    run_comparison(ComparisonWorkspace(folder, wings, None, cache_root), whole)
    return folder


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(finished, tmp_path / "comparison"))


@pytest.fixture(autouse=True)
def fewer_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(significance, "DRAWS", 200)


def document(folder: Path, *also: Path) -> dict[str, Any]:
    return document_of(read_results(files_in(folder), also))


def by_name(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in found["rows"]}


def test_a_row_is_the_mean_and_deviation_of_its_cells(folder: Path) -> None:
    row = by_name(document(folder))["n_pairs"]
    values = [read_json(folder / "cells" / f"n_pairs-s{seed}" / "metrics.json")["map_at_r"] for seed in (0, 1)]
    found = row["metrics"]["map_at_r"]
    assert found["mean"] == pytest.approx(sum(values) / 2)
    assert found["sd"] == pytest.approx(abs(values[0] - values[1]) / 2**0.5)
    assert found["low"] <= found["mean"] <= found["high"] and row["seeds"] == [0, 1]


def test_what_was_not_trained_comes_first_and_the_rest_from_the_best_down(folder: Path) -> None:
    found = document(folder)["rows"]
    assert {row["name"] for row in found[:2]} == {"untrained", "half_whitened_pca"}
    means = [row["metrics"]["map_at_r"]["mean"] for row in found[2:]]
    assert means == sorted(means, reverse=True) and len(found) == 6
    best = [row for row in found if row["best"]]
    assert len(best) == 1 and best[0]["level_with_best"]


def test_tuned_stands_beside_untuned_with_what_was_found(folder: Path) -> None:
    found = document(folder)
    assert {"soft_triple", "soft_triple-tuned"} <= by_name(found).keys()
    assert found["tuning"]["soft_triple"]["trials"] == found["tuning"]["n_pairs"]["trials"] == 2
    text = rendered(found, ["md"])["md"]
    assert "SoftTriple (tuned)" in text and "## Tuning" in text and "proxy rate factor" in text


def test_a_tuning_tells_its_ranges_its_best_of_n_and_what_lies_at_an_edge(folder: Path) -> None:
    file = folder / "tuning" / "n_pairs.json"
    state = read_json(file)
    state["measured"][0] |= {"map_at_r": 0.9}
    state["measured"][1] |= {"map_at_r": None}
    state["measured"][0]["params"]["scale"] = state["ranges"]["scale"][1]
    write_json(file, {**state, "widened": {"learning_rate": [1e-6, 1.0]}})
    document_now = document(folder)
    found = document_now["tuning"]["n_pairs"]
    assert found["at_edge"] == ["scale"] and found["ranges"].keys() == {"scale", "learning_rate"}
    assert found["expected_best"] == pytest.approx([0.45, 0.675]) and found["running_best"] == [0.9, 0.9]
    texts = rendered(document_now)
    for suffix in ("html", "md", "tex"):
        assert "The learning rate" in texts[suffix] and "67.50" in texts[suffix] and "1e-06 to 1" in texts[suffix]
    assert "at an edge" in texts["md"] and "expected best MAP@R" in texts["html"]


def test_a_tuning_of_an_earlier_design_is_told_as_such(folder: Path) -> None:
    plan = read_json(folder / "comparison.json")
    del plan["tuning"]["design"], plan["tuning"]["folds"]
    write_json(folder / "comparison.json", plan)
    found = document(folder)
    assert "The shared learning rate was not searched" in rendered(found, ["md"])["md"]
    [check] = [one for one in found["fairness_checks"] if one["name"].startswith("losses at settings")]
    assert check["violated"] and "was not tuned" in check["reason"]


def test_every_format_escapes_what_people_named(folder: Path) -> None:
    found = rendered(document(folder))
    assert "<b>100%" not in found["html"] and "&lt;b&gt;100%&lt;/b&gt;" in found["html"]
    assert r"\<b\>100%\</b\> & $x\_1$ \| \`a\` \\ \{c\} \#" in found["md"]
    assert all(line.startswith("%") for line in found["tex"].splitlines() if "x_1" in line)
    assert json.loads(found["json"])["title"] == NASTY
    assert len(list(csv.DictReader(io.StringIO(found["csv"])))) == 6


def in_format_3(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document as it was with the paired bootstrap, corrected by Holm."""
    left_out = ("test", "draws", "further")
    pairs = {
        metric: [
            {name: value for name, value in pair.items() if name not in ("low", "high", "p_adjusted")}
            | {"p": 0.01, "holm": 0.02, "conclusion": "better"}
            for pair in pairs
        ]
        for metric, pairs in document["pairs"].items()
    }
    rows = [row | {"level_with_best": row["best"]} for row in document["rows"]]
    kept = {name: value for name, value in document.items() if name not in left_out}
    return kept | {"format": 3, "pairs": pairs, "rows": rows, "resamples": document["draws"]}


def in_format_2(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document of format 3 with the keys that release 0.1 wrote."""

    def renamed(values: dict[str, Any], **names: str) -> dict[str, Any]:
        return {names.get(name, name): value for name, value in values.items()}

    queries = [
        {
            **renamed(query, results="answers"),
            "answers": [renamed(one, similarity="cosine") for one in query["results"]],
        }
        for query in document["diagnostics"]["worst_queries"]
    ]
    meanings = document["diagnostics"]["meanings"].items()
    return {
        **renamed(document, metrics="figures", fairness_checks="unfairness"),
        "format": 2,
        "rows": [renamed(row, metrics="figures") for row in document["rows"]],
        "pairs": {
            name: [renamed(pair, conclusion="verdict") for pair in pairs] for name, pairs in document["pairs"].items()
        },
        "unfairness": [renamed(check, violated="present", reason="why") for check in document["fairness_checks"]],
        "diagnostics": document["diagnostics"]
        | {
            "meanings": {name: renamed(meaning, meaning="reading", scale="kind") for name, meaning in meanings},
            "worst_queries": queries,
        },
    }


def test_documents_of_both_formats_before_are_read_and_older_ones_are_not(folder: Path) -> None:
    found = document(folder)
    assert current_format(found) == found
    before = in_format_3(found)
    read = current_format(before)
    assert read is not None and read.keys() == found.keys() and read["test"] == BOOTSTRAP
    for pair in read["pairs"]["map_at_r"]:
        assert pair.keys() == found["pairs"]["map_at_r"][0].keys()
        assert (pair["low"], pair["p"], pair["p_adjusted"], pair["conclusion"]) == (None, 0.01, 0.02, "better")
    assert [row["level_with_best"] for row in read["rows"]] == [row["best"] for row in found["rows"]]
    same = read.keys() - {"test", "pairs", "rows", "further"}
    assert {name: read[name] for name in same} == {name: found[name] for name in same}
    assert read["further"] is None
    assert current_format(in_format_2(before)) == read
    assert current_format(in_format_2(before) | {"diagnostics": None}) == read | {"diagnostics": None}
    assert current_format({"format": 1}) is None is current_format({})
    assert rendered(read, ["md"])["md"].count("| .020 |") == len(found["rows"]) - 1


def test_a_document_of_format_4_is_read_without_curves_and_ranges(folder: Path) -> None:
    found = document(folder)
    kept = ("trials", "budget", "failed", "untuned", "best", "seconds")
    tuning = {loss: {name: one[name] for name in kept} for loss, one in found["tuning"].items()}
    read = current_format({**found, "format": 4, "tuning": tuning})
    assert read is not None and read["format"] == FORMAT
    assert read["tuning"]["n_pairs"].keys() == found["tuning"]["n_pairs"].keys()
    texts = rendered(read)
    assert all("Best of n" not in text for text in texts.values()) and "## Tuning" in texts["md"]


def test_a_report_of_format_4_has_no_further_metrics_and_is_shown_as_before(folder: Path) -> None:
    found = document(folder)
    before = {name: value for name, value in found.items() if name != "further"} | {"format": 4}
    read = current_format(before)
    assert read == found | {"further": None}
    for suffix, text in rendered(read).items():
        assert suffix == "json" or "Fewer dimensions" not in text
    assert "Fewer dimensions" in rendered(found, ["html"])["html"]


def test_a_stored_report_of_one_seed_keeps_its_differences_and_no_conclusion(folder: Path) -> None:
    before = in_format_3(document(folder))
    for row in before["rows"]:
        row["seeds"] = row["seeds"][:1]
    read = current_format(before)
    assert read is not None
    trained = {row["name"] for row in read["rows"] if not row["baseline"]}
    for pair, was in zip(read["pairs"]["map_at_r"], before["pairs"]["map_at_r"], strict=True):
        conclusion = "one seed" if trained & {pair["first"], pair["second"]} else "better"
        assert (pair["conclusion"], pair["difference"]) == (conclusion, was["difference"])
    assert {row["level_with_best"] for row in read["rows"] if row["name"] in trained} == {None}
    assert set(rendered(read)) == {"html", "md", "tex", "csv", "json"}


RESULTS = Path(__file__).parents[3] / "docs" / "results"
PUBLISHED = [*sorted(RESULTS.glob("*/report.json")), Path(__file__).parent / "report_format_2.json"]


@pytest.mark.parametrize("file", PUBLISHED, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_the_published_reports_are_read_or_known_to_be_too_old(file: Path) -> None:
    stored = read_json(file)
    read = current_format(stored)
    assert (read is None) == (stored["format"] == 1)
    if read is not None:
        assert set(rendered(read)) == {"html", "md", "tex", "csv", "json"} and read["format"] == FORMAT


def test_every_format_has_the_same_figures(folder: Path) -> None:
    found = document(folder)
    shown = f"{100 * by_name(found)['soft_triple']['metrics']['map_at_r']['mean']:.2f}"
    texts = rendered(found)
    for suffix in ("html", "md", "tex"):
        assert shown in texts[suffix], suffix
    assert "in all other held-out pictures" in texts["html"] and "in all other held-out pictures" in texts["md"]
    (line,) = [row for row in csv.DictReader(io.StringIO(texts["csv"])) if row["row"] == "soft_triple"]
    assert f"{100 * float(line['map_at_r_mean']):.2f}" == shown


def measure_planted(cell: Path) -> None:
    """Let a finished cell have the planted metric: what R-Precision is."""
    metrics = read_json(cell / "metrics.json")
    metrics["intervals"][planting.NAME] = metrics["intervals"]["r_precision"]
    write_json(cell / "metrics.json", metrics | {planting.NAME: metrics["r_precision"]})
    with np.load(cell / "per_query.npz") as stored:
        columns = dict(stored)
    np.savez_compressed(cell / "per_query.npz", **columns, **{planting.NAME: columns["r_precision"]})


def test_a_metric_of_the_table_is_in_every_format(folder: Path, planted: str) -> None:
    for cell in (folder / "cells").iterdir():
        measure_planted(cell)
    found = document(folder)
    assert found["metrics"][-1] == planted and len(found["pairs"][planted]) == len(found["pairs"]["map_at_r"])
    texts = rendered(found)
    for suffix in ("html", "md", "tex"):
        assert planting.TITLE in texts[suffix], suffix
    (line,) = [row for row in csv.DictReader(io.StringIO(texts["csv"])) if row["row"] == "soft_triple"]
    assert line[f"{planted}_low"] == line["r_precision_low"] != ""


def test_a_metric_that_not_every_run_was_measured_by_is_left_out(folder: Path, planted: str) -> None:
    measure_planted(next((folder / "cells").iterdir()))
    found = document(folder)
    assert planted not in found["metrics"] and planted not in found["pairs"]


def test_queries_of_a_gallery_and_other_ks_are_shown_as_they_are(
    wings: DatasetFolder, tmp_path: Path, cache_root: Path
) -> None:
    clothes = replace(parted(wings), ks=(1, 3, 16, 40))
    small = comparison(losses={"n_pairs": {}}, seeds=(0,))
    run_comparison(ComparisonWorkspace(tmp_path, clothes, None, cache_root), small)
    found = document(tmp_path)
    assert (found["queries"], found["gallery"]) == (8, 16)
    assert [name for name in found["metrics"] if "recall" in name] == ["recall_at_1", "recall_at_3", "recall_at_16"]
    texts = rendered(found)
    assert "8 queries of 4 held-out classes" in texts["html"] and "a gallery of 16" in texts["html"]
    assert "a gallery of 16" in texts["md"] and "Recall@16" in texts["md"]


def test_a_page_stands_alone_and_repeats_to_the_byte(folder: Path) -> None:
    first, second = (rendered(document(folder)) for _ in range(2))
    assert first == second
    # Names of XML vocabularies within drawings are no addresses to fetch.
    assert not re.findall(r'(?:src|href)="(?!#)', first["html"]) and "<script" not in first["html"]


def test_a_comparison_half_failed_says_so_and_shows_the_rest(folder: Path) -> None:
    for seed in (0, 1):
        shutil.rmtree(folder / "cells" / f"n_pairs-s{seed}")
    write_json(folder / "cells" / "n_pairs-s0.error.json", {"error": "the loss became nan at epoch 1, step 3"})
    found = document(folder)
    assert "n_pairs" not in by_name(found) and "soft_triple" in by_name(found)
    texts = rendered(found)
    for suffix in ("html", "md", "tex"):
        assert "1 of 10 runs failed: " in texts[suffix]
        assert "the loss became nan at epoch 1, step 3" in texts[suffix]
        assert "1 of 10 runs are not finished yet" in texts[suffix]


def test_the_report_says_why(folder: Path) -> None:
    found = document(folder)
    why = found["diagnostics"]
    cells = [read_json(folder / "cells" / f"n_pairs-s{seed}" / "metrics.json")["diagnostics"] for seed in (0, 1)]
    density = sum(cell["density"] for cell in cells) / 2
    assert why["rows"]["n_pairs"]["density"] == pytest.approx(density)
    assert why["rows"]["soft_triple"].keys() == why["meanings"].keys() == DIAGNOSTICS.keys()
    assert why["rows"]["n_pairs"].keys() == DIAGNOSTICS.keys() - {"proxy_gradient_norm"}
    assert why["rows"]["untrained"].keys() == DIAGNOSTICS.keys() - set(GRADIENT_NORMS)
    recalls = [entry["recall_at_1"] for entry in why["hardest_classes"]]
    assert recalls == sorted(recalls) and len(recalls) == 4
    assert all(entry["recall_at_1"] <= entry["best_recall_at_1"] for entry in why["hardest_classes"])
    assert why["of"] == next(row["title"] for row in found["rows"] if row["best"])
    query = why["worst_queries"][0]
    texts = rendered(found)
    for suffix in ("html", "md"):
        assert "Hardest classes" in texts[suffix] and f"{density:.3f}" in texts[suffix]
        assert all(result["class"] in texts[suffix] for result in query["results"])
    (line,) = [row for row in csv.DictReader(io.StringIO(texts["csv"])) if row["row"] == "n_pairs"]
    assert float(line["density"]) == pytest.approx(density)


def test_the_report_says_which_runs_were_warned(folder: Path) -> None:
    warning = "epoch 2: the space collapses"
    for seed in (0, 1):
        file = folder / "cells" / f"n_pairs-s{seed}" / "diagnostics.json"
        write_json(file, read_json(file) | {"warnings": [warning] if seed else []})
    found = document(folder)
    assert found["diagnostics"]["warnings"] == {"n_pairs": [warning]}
    for suffix in ("html", "md", "tex"):
        assert f"Training warnings of N-pairs: {warning}" in rendered(found)[suffix]


def test_a_warning_of_many_epochs_and_trainings_is_told_once(folder: Path) -> None:
    kinds = {0: ["epoch 2: cosine 0.97", "epoch 3: cosine 0.98", "no pairs"], 1: ["epoch 1: cosine 0.96", "no pairs"]}
    for seed, warnings in kinds.items():
        file = folder / "cells" / f"n_pairs-s{seed}" / "diagnostics.json"
        write_json(file, read_json(file) | {"warnings": warnings})
    for text in rendered(document(folder), ["html", "md", "tex"]).values():
        assert "Training warnings of N-pairs: epochs 1 to 3: cosine 0.98; no pairs" in text
        assert "0.97" not in text.split("Training warnings")[1].split("no pairs")[0]


def test_runs_made_before_there_were_diagnostics_are_reported_without(folder: Path) -> None:
    for file in folder.glob("cells/*/diagnostics.json"):
        file.unlink()
    for file in folder.glob("cells/*/metrics.json"):
        metrics = read_json(file)
        del metrics["diagnostics"]
        write_json(file, metrics)
    found = document(folder)
    assert found["diagnostics"] is None
    assert "ardest" not in "".join(rendered(found).values())


def test_one_seed_is_named_as_what_it_is(wings: DatasetFolder, tmp_path: Path, cache_root: Path) -> None:
    run_comparison(ComparisonWorkspace(tmp_path / "one", wings, None, cache_root), comparison(seeds=(3,)))
    found = document(tmp_path / "one")
    check = next(one for one in found["fairness_checks"] if one["name"] == "one seed")
    assert check["violated"] and "SoftTriple" in check["reason"]
    assert by_name(found)["soft_triple"]["metrics"]["map_at_r"]["sd"] is None
    trained = {"soft_triple", "n_pairs"}
    for pair in found["pairs"]["map_at_r"]:
        is_single = bool(trained & {pair["first"], pair["second"]})
        assert (pair["conclusion"] == "one seed") == (pair["p_adjusted"] is None) == is_single
        assert pair["low"] <= pair["difference"] <= pair["high"]
    assert {row["level_with_best"] for row in found["rows"] if row["name"] in trained} == {None}
    assert {cell["mark"] for cell in matrix_of(found)[-1]["cells"] if cell} == {"?"}
    assert set(rendered(found)) == {"html", "md", "tex", "csv", "json"}


def test_folds_are_read_one_by_one_and_joined(wings: DatasetFolder, tmp_path: Path, cache_root: Path) -> None:
    folded = comparison(losses={"n_pairs": {}}, seeds=(0,), protocol=head_protocol(epochs=1, dim=8, folds=2))
    run_comparison(ComparisonWorkspace(tmp_path / "folds", wings, None, cache_root), folded)
    found = by_name(document(tmp_path / "folds"))
    cells = [read_json(tmp_path / "folds/cells" / f"n_pairs-s0-f{fold}/metrics.json")["map_at_r"] for fold in (0, 1)]
    assert found["n_pairs"]["metrics"]["map_at_r"]["mean"] == pytest.approx(sum(cells) / 2)
    assert found["n_pairs-joined"]["title"] == "N-pairs (folds joined)"
    joined = read_json(tmp_path / "folds/cells/n_pairs-s0-joined/metrics.json")
    assert joined["dim"] == 16 and found["n_pairs-joined"]["metrics"]["map_at_r"]["mean"] == joined["map_at_r"]


def test_every_check_is_named_and_follows_the_protocol(folder: Path) -> None:
    results = read_results(files_in(folder))
    plain = {one["name"]: one["violated"] for one in document_of(results)["fairness_checks"]}
    both = replace(results.comparison, protocol=results.comparison.protocol.with_changes(pooling="average+max"))
    changed = {
        one["name"]: one["violated"] for one in document_of(replace(results, comparison=both))["fairness_checks"]
    }
    assert len(plain) == 12
    pooling = "average + max pooling, where the backbone's own is average"
    assert changed[pooling] and plain["batches composed differently"]
    assert not plain["pre-training that may have seen the test classes"], "this network began at random"


NETWORKS = "different backbones, dimensions or crops in one table"


def networks_of(results: Results) -> dict[str, Any]:
    checks: dict[str, dict[str, Any]] = {one["name"]: one for one in document_of(results)["fairness_checks"]}
    return checks[NETWORKS]


def test_dimensions_are_those_of_every_row_baselines_too(folder: Path) -> None:
    results = read_results(files_in(folder))
    dims = {row.name: row.dims for row in results.rows}
    cells = {path.name: read_json(path / "metrics.json")["dim"] for path in (folder / "cells").iterdir()}
    assert dims["untrained"] == (cells["untrained-s0"],) and dims["soft_triple"] == dims["n_pairs-tuned"] == (8,)
    assert dims["half_whitened_pca"] == (cells["half_whitened_pca-s0"],) and cells["untrained-s0"] > 8
    found = networks_of(results)
    assert found["violated"]
    assert f"{cells['untrained-s0']} dimensions: Untrained backbone" in found["reason"]
    assert "8 dimensions: 4 of 6 rows" in found["reason"]
    trained = replace(results, rows=tuple(row for row in results.rows if not row.is_baseline))
    assert not networks_of(trained)["violated"] and "8 dimensions: every row" in networks_of(trained)["reason"]


def test_dimensions_that_no_run_stored_are_not_called_equal(folder: Path) -> None:
    for seed in (0, 1):
        file = folder / "cells" / f"n_pairs-s{seed}" / "metrics.json"
        write_json(file, {name: value for name, value in read_json(file).items() if name != "dim"})
    results = read_results(files_in(folder))
    found = networks_of(replace(results, rows=tuple(row for row in results.rows if not row.is_baseline)))
    assert found["violated"] and "dimensions not stored: N-pairs" in found["reason"]


@pytest.mark.parametrize(
    ("losses", "size", "violated", "reason"),
    [
        (["contrastive", "soft_triple"], 0, False, "memory: 0, for all losses"),
        (
            ["contrastive", "margin"],
            8,
            False,
            "memory: 8 embeddings of earlier batches for Contrastive, Margin, every ",
        ),
        (["contrastive", "soft_triple", "n_pairs"], 8, True, " for Contrastive; not for SoftTriple, N-pairs"),
        (["soft_triple"], 8, False, " for none; not for SoftTriple"),
    ],
)
def test_a_memory_beside_some_losses_only_is_named(
    losses: list[str], size: int, violated: bool, reason: str, folder: Path
) -> None:
    results = read_results(files_in(folder))
    protocol = results.comparison.protocol.with_changes(memory=size)
    asked = replace(results.comparison, protocol=protocol, losses={loss: {} for loss in losses})
    found = {one["name"]: one for one in document_of(replace(results, comparison=asked))["fairness_checks"]}
    memory = found["cross-batch memory for some losses only"]
    assert memory["violated"] == violated and reason in memory["reason"]


def test_a_measured_folder_from_elsewhere_joins_the_table(folder: Path, tmp_path: Path) -> None:
    elsewhere = Path(shutil.copytree(folder / "cells" / "n_pairs-s0", tmp_path / "their model"))
    found = document(folder, elsewhere)
    assert by_name(found)["external-1"]["title"] == "their model (external)"
    assert next(one for one in found["fairness_checks"] if one["name"].startswith("different backbones"))["violated"]
    with pytest.raises(ComparisonError, match="has no metrics.json"):
        document(folder, tmp_path)


def test_rows_measured_on_other_pictures_never_share_a_table(
    folder: Path, wings: DatasetFolder, tmp_path: Path, cache_root: Path
) -> None:
    pictures = tuple(replace(picture, id=picture.id + 1000) for picture in wings.pictures)
    other = ComparisonWorkspace(tmp_path / "other", replace(wings, pictures=pictures), None, cache_root)
    run_comparison(other, comparison(losses={"n_pairs": {}}, seeds=(0,)))
    with pytest.raises(ComparisonError, match="was not measured on the same pictures as"):
        document(folder, tmp_path / "other" / "cells" / "n_pairs-s0")


def test_a_folder_without_a_finished_cell_has_no_report(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ComparisonError, match="holds no comparison"):
        files_in(tmp_path)
    shutil.rmtree(folder / "cells")
    with pytest.raises(ComparisonError, match="is finished yet; wait for one, or run compare first"):
        read_results(files_in(folder))


def test_the_command_writes_all_formats_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(folder), "--json"]) == 0
    names = [path.name for path in (folder / "report").iterdir()]
    drawings = [name for name in names if name.startswith("drawing-") and name.endswith(".svg")]
    assert "drawing-best-of-n.svg" in drawings
    assert sorted(set(names) - set(drawings)) == [
        f"report.{suffix}" for suffix in ("csv", "html", "json", "md", "png", "svg", "tex")
    ]
    assert json.loads(capsys.readouterr().out)["rows"] == 6
    assert main(["report", str(folder)]) == 1
    assert "is already there" in capsys.readouterr().err


# --- cells that lie elsewhere


def listed(folder: Path, at: Path, **changes: Any) -> Path:
    """Write the list of what is in a comparison's folder, as a site that keeps cells its own way does."""
    files = files_in(folder)
    values = {
        "plan": files.plan,
        "cells": {cell.name: str(path) for cell, path in files.done.items()},
        "failed": files.failed,
        "missing": list(files.missing),
        "tuning": files.tuning,
    }
    write_json(at, {**values, **changes})
    return at


def test_cells_may_lie_anywhere_and_give_the_same_report(folder: Path, tmp_path: Path) -> None:
    before = document(folder)
    shutil.copytree(folder / "cells", tmp_path / "elsewhere")
    cells = {cell.name: str(tmp_path / "elsewhere" / cell.name) for cell in files_in(folder).done}
    file = listed(folder, tmp_path / "cells.json", cells=cells)
    shutil.rmtree(folder)
    assert document_of(read_results(files_listed(file))) == before


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"cells": {"n_pairs-s9": "x"}}, "a cell 'n_pairs-s9' that the comparison does not have"),
        ({"more": 1}, "must list"),
    ],
)
def test_a_list_that_cannot_be_meant_is_refused(
    folder: Path, tmp_path: Path, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ComparisonError, match=sentence):
        files_listed(listed(folder, tmp_path / "cells.json", **changes))


def test_the_command_joins_the_folds_of_listed_cells(wings: DatasetFolder, tmp_path: Path, cache_root: Path) -> None:
    folded = comparison(losses={"n_pairs": {}}, seeds=(0,), protocol=head_protocol(epochs=1, dim=8, folds=2))
    run_comparison(ComparisonWorkspace(tmp_path / "folds", wings, None, cache_root), folded)
    whole = document(tmp_path / "folds")
    file = listed(tmp_path / "folds", tmp_path / "cells.json")
    assert main(["report", str(file), "--data", str(wings.folder), "--out", str(tmp_path / "report")]) == 0
    assert read_json(tmp_path / "report" / "report.json") == json.loads(json.dumps(whole))


# --- for a talk


def test_a_cell_of_the_matrix_has_difference_and_p_of_its_row_against_its_column(folder: Path) -> None:
    document = document_of(read_results(files_in(folder)))
    names = [row["name"] for row in document["rows"]]
    matrix = matrix_of(document)
    for place, row in enumerate(matrix):
        assert row["cells"][place] is None
    for pair in document["pairs"]["map_at_r"]:
        first, second = names.index(pair["first"]), names.index(pair["second"])
        there, back = matrix[first]["cells"][second], matrix[second]["cells"][first]
        assert there["difference"] == pair["difference"] == -back["difference"]
        assert there["p"] == back["p"] == pair["p_adjusted"] and there["conclusion"] == pair["conclusion"]
        assert (there["low"], there["high"]) == (pair["low"], pair["high"]) == (-back["high"], -back["low"])


def test_a_row_is_compared_with_the_best_in_points(folder: Path) -> None:
    document = document_of(read_results(files_in(folder)))
    best = next(row for row in document["rows"] if row["best"])
    cells = to_best_of(document)
    assert cells.keys() == {row["name"] for row in document["rows"]} - {best["name"]}
    for row in document["rows"]:
        if row["name"] in cells:
            difference = row["metrics"]["map_at_r"]["mean"] - best["metrics"]["map_at_r"]["mean"]
            assert cells[row["name"]]["difference"] == pytest.approx(difference)
            assert f"{100 * difference:+.2f} (" in rendered(document, ["md"])["md"]
    assert points_text({"difference": -0.012, "low": -0.019, "high": -0.005}) == "-1.20 (-1.90 to -0.50)"
    assert points_text({"difference": 0.012, "low": None, "high": None}) == "+1.20"


@pytest.mark.parametrize(("p", "text"), [(0.0001, "<.001"), (0.034, ".034"), (0.9999, "1"), (1.0, "1"), (None, "–")])
def test_a_p_value_is_printed_as_tables_print_it(p: float | None, text: str) -> None:
    assert p_text(p) == text


def test_a_chart_for_a_slide_repeats_to_the_byte_and_escapes_names(folder: Path) -> None:
    document = document_of(read_results(files_in(folder)))
    drawn = slide_chart(document, "svg")
    assert drawn == slide_chart(document, "svg") and b"MAP@R" in drawn and b"<b>" not in drawn
    assert slide_chart(document, "png").startswith(b"\x89PNG")


def test_the_table_in_markdown_is_the_one_of_the_report(folder: Path) -> None:
    document = document_of(read_results(files_in(folder)))
    assert metrics_markdown(document) in rendered(document, ["md"])["md"]


def test_recall_by_epoch_is_there_where_every_run_measured_it(folder: Path) -> None:
    assert document_of(read_results(files_in(folder)))["validation_curves"] == {}
    for cell in (folder / "cells").glob("n_pairs*-s[01]"):
        lines = [json.loads(line) for line in (cell / "history.jsonl").read_text().splitlines()]
        for line in lines:
            line["validation"] = {"recall_at": {"1": 0.2 + 0.2 * int(cell.name[-1])}, "map_at_r": 0.1}
        (cell / "history.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    document = document_of(read_results(files_in(folder)))
    curves = document["validation_curves"]
    assert curves and all(name.startswith("n_pairs") for name in curves), "a tuned row may have the same runs"
    for points in curves.values():
        assert points == [(1, pytest.approx(0.3)), (2, pytest.approx(0.3))]
    assert "Recall@1 by epoch" in rendered(document, ["html"])["html"]


def test_a_bibtex_entry_escapes_what_people_named() -> None:
    entry = bibtex_entry("a b/ä", title=NASTY, url="https://x.example/?a=1&b=2", day=date(2026, 5, 4), note="n")
    assert entry.startswith("@misc{a-b,") and r"100\%" in entry and "Accessed 2026-05-04" in entry
    assert r"\url{https://x.example/?a=1&b=2}" in entry
