"""Scores of anybody's systems are read strictly and compared as those of a comparison."""

import json
from pathlib import Path

import numpy as np
import pytest

from mlcore.cli import main
from mlcore.comparison import significance
from mlcore.comparison.score_table import read_scores, significance_document
from mlcore.errors import MetricsError

GOOD = "class,query,a,b:0,b:1\nx,1,0.5,0.25,0.75\ny,2,0.5,0,1\n"


@pytest.fixture(autouse=True)
def fewer_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(significance, "DRAWS", 499)


def written(folder: Path, text: str) -> Path:
    file = folder / "scores.csv"
    file.write_text(text, encoding="utf-8")
    return file


def many(folder: Path, rows: int, seeds: int = 3, classes: int = 12) -> Path:
    """Write rows of which each is better than the one before on every query."""
    random = np.random.default_rng(0)
    columns = [f"row {row:02}:{seed}" for row in range(rows) for seed in range(seeds)]
    lines = [",".join(["query", "class", *columns])]
    for query in range(3 * classes):
        values = (0.03 * row + random.normal(0, 0.005) for row in range(rows) for _ in range(seeds))
        lines.append(",".join([f"q{query}", f"c{query % classes}", *map(str, values)]))
    return written(folder, "\n".join(lines) + "\n")


def test_columns_are_rows_and_trainings(tmp_path: Path) -> None:
    table = read_scores(written(tmp_path, GOOD))
    assert table.labels.tolist() == [0, 1] and table.classes == 2 and table.with_seed == {"b"}
    assert {name: {seed: one.tolist() for seed, one in runs.items()} for name, runs in table.rows.items()} == {
        "a": {0: [0.5, 0.5]},
        "b": {0: [0.25, 0.0], 1: [0.75, 1.0]},
    }
    marked = written(tmp_path, "\ufeff" + GOOD.replace("\n", "\r\n") + "\r\n")
    assert read_scores(marked).rows.keys() == {"a", "b"}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "class"),
        ("query,a,b\n1,1,1\n2,0,0\n", "class"),
        ("class,a,b\nx,1,1\ny,0,0\n", "query"),
        ("class,query,a\nx,1,1\ny,2,0\n", "1 row"),
        ("class,query\nx,1\ny,2\n", "0 row"),
        ("class,query,a,b\nx,1,1,1\nx,2,0,0\n", "1 class"),
        ("class,query,a,b\n", "0 class"),
        (GOOD.replace("0.25", "nan"), "line 2, column 'b:0'"),
        (GOOD.replace("0.25", "inf"), "line 2, column 'b:0'"),
        (GOOD.replace("0.25", ""), "line 2, column 'b:0'"),
        (GOOD.replace("0.25", "high"), "'high'"),
        (GOOD.replace("y,2", "y,1"), "'1' is in line 2 and line 3"),
        (GOOD.replace("y,2", "y,"), "line 3 names no query"),
        (GOOD.replace("y,2", ",2"), "no class"),
        (GOOD.replace(",0,1\n", ",0\n"), "line 3 has 4 cells"),
        (GOOD.replace("b:1", "b:1:2"), "'b:1:2'"),
        (GOOD.replace("b:1", "b:"), "'b:'"),
        (GOOD.replace("b:1", "b:x"), "'b:x'"),
        (GOOD.replace("b:1", ":1"), "':1'"),
        (GOOD.replace("b:1", "b:-1"), "'b:-1'"),
        (GOOD.replace("b:1", "b:0"), "twice"),
        (GOOD.replace("b:1", "b:00"), "same row and seed"),
        (GOOD.replace("b:1", "b"), "'b' has columns with and without a seed"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(MetricsError, match=named.replace("(", r"\(")):
        read_scores(written(tmp_path, text))


def test_text_in_another_encoding_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "scores.csv"
    file.write_bytes("class,query,ä,b\n".encode("latin-1"))
    with pytest.raises(MetricsError, match="UTF-8"):
        read_scores(file)


def test_fifty_rows_that_differ_everywhere_are_all_told_apart(tmp_path: Path) -> None:
    document = significance_document(read_scores(many(tmp_path, 50)), "MAP@R")
    assert [pair["conclusion"] for pair in document["pairs"]] == ["worse"] * 1225
    assert [row["name"] for row in document["rows"]] == [f"row {row:02}" for row in reversed(range(50))]
    assert [row["level_with_best"] for row in document["rows"]] == [True] + [False] * 49 and document["notes"] == []


def test_one_seed_concludes_nothing_unless_the_row_is_fixed(tmp_path: Path) -> None:
    table = read_scores(many(tmp_path, 3, seeds=1))
    single = significance_document(table, "mean")
    assert {pair["conclusion"] for pair in single["pairs"]} == {"one seed"} and len(single["notes"]) == 1
    assert {row["level_with_best"] for row in single["rows"]} == {None}
    fixed = significance_document(table, "mean", ["row 00", "row 02"])
    assert [pair["conclusion"] for pair in fixed["pairs"]] == ["one seed", "worse", "one seed"]
    with pytest.raises(MetricsError, match="'row 9'"):
        significance_document(table, "mean", ["row 9"])


def test_rows_of_other_numbers_of_seeds_and_few_classes_are_noted(tmp_path: Path) -> None:
    file = many(tmp_path, 2, classes=5)
    file.write_text("\n".join(line.rpartition(",")[0] for line in file.read_text().splitlines()))
    document = significance_document(read_scores(file), "mean")
    assert [row["seeds"] for row in document["rows"]] == [2, 3] and len(document["notes"]) == 2
    assert document["pairs"][0]["conclusion"] == "cannot tell"


def test_the_command_prints_a_table_or_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(many(tmp_path, 3))
    assert main(["significance", file, "--json", "--metric-name", "MAP@R"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["metric"] == "MAP@R" and (document["queries"], document["classes"]) == (36, 12)
    assert main(["significance", file, "--metric-name", "MAP@R"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 + 3 + 2 + 3 and lines[2].startswith("* row 02") and "MAP@R" in lines[1]
    for pair, line in zip(document["pairs"], lines[7:], strict=True):
        assert f"{pair['difference']:.6g}" in line and f"{pair['p_adjusted']:.4f}" in line


def test_the_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["significance", str(written(tmp_path, GOOD.replace("0.25", "nan")))]) == 1
    assert "line 2" in capsys.readouterr().err
    assert main(["significance", str(tmp_path / "none.csv")]) == 1
    assert "none.csv" in capsys.readouterr().err
