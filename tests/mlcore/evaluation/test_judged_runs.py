"""Runs against qrels: wrong lines are named, unknown ids are counted, and nothing in common is an error."""

import json
from pathlib import Path

import pytest

from mlcore.cli import main
from mlcore.errors import MetricsError
from mlcore.evaluation.judged_runs import judged_lines, judged_runs
from mlcore.evaluation.trec_files import read_qrels, read_run

QRELS = "owls/1.jpg 0 owls/2.jpg 2\nowls/1.jpg 0 bats/1.jpg 0\nbats/9.jpg 0 bats/1.jpg 1\n"
RUN = "owls/1.jpg Q0 owls/2.jpg 1 8 a-1\nowls/1.jpg Q0 bats/7.jpg 2 7 a-1\nbats/9.jpg Q0 bats/1.jpg 1 8 a-1\n"


def written(folder: Path, text: str, name: str = "qrels.txt") -> Path:
    file = folder / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def test_files_are_read_as_trec_eval_reads_them(tmp_path: Path) -> None:
    assert read_qrels(written(tmp_path, QRELS)) == {
        "owls/1.jpg": {"owls/2.jpg": 2, "bats/1.jpg": 0},
        "bats/9.jpg": {"bats/1.jpg": 1},
    }
    assert read_run(written(tmp_path, "q Q0 a 1 2 t\n\nq Q0 b 2 2 t\r\nq\tQ0\tc 3 5e0 t\n")) == {"q": ["c", "b", "a"]}
    assert read_qrels(written(tmp_path, "\ufeffq 0 a 1\n")) == {"q": {"a": 1}}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("q 0 a 1\nq 0 b\n", "line 2: expected 4 columns"),
        ("q 0 a 1\n\nq 0 b 1.5\n", "line 3: the grade"),
        ("q 0 a -1\n", "line 1: the grade"),
        ("q 0 a 1\nq 0 b 1\nq 0 a 2\n", "line 3: 'a' of query 'q' is in line 1 too"),
        ("", "has no judgement"),
    ],
)
def test_a_malformed_line_of_qrels_is_named(tmp_path: Path, text: str, named: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(MetricsError, match=named) as refused:
        read_qrels(file)
    assert str(file) in str(refused.value)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("q Q0 a 1 8\n", "line 1: expected 6 columns"),
        ("q Q0 a 1 nan t\n", "line 1: the score must be a finite number, got 'nan'"),
        ("q Q0 a 1 8 t\nq Q0 b 2 high t\n", "line 2: the score"),
        ("q Q0 a 1 8 t\nq Q0 a 2 7 t\n", "line 2: 'a' of query 'q' is in line 1 too"),
    ],
)
def test_a_malformed_line_of_a_run_is_named(tmp_path: Path, text: str, named: str) -> None:
    file = written(tmp_path, text, "a.run")
    with pytest.raises(MetricsError, match=named) as refused:
        read_run(file)
    assert str(file) in str(refused.value)


def test_an_archive_is_no_text(tmp_path: Path) -> None:
    file = tmp_path / "runs.zip"
    file.write_bytes(b"PK\x03\x04\xff\xfe")
    with pytest.raises(MetricsError, match="unpack"):
        read_run(file)


def test_unknown_ids_are_counted_and_said(tmp_path: Path) -> None:
    qrels = written(tmp_path, QRELS + "gone/1.jpg 0 gone/2.jpg 1\nowls/1.jpg 0 gone/3.jpg 0\n")
    run = written(tmp_path, RUN + "new/1.jpg Q0 owls/2.jpg 1 8 a-1\n", "a-1.run")
    found = judged_runs(qrels, [run])
    assert (found["queries"], found["judgements"], found["irrelevant_queries"]) == (3, 5, 0)
    assert (found["unknown_queries"], found["unknown_results"]) == (1, 2)
    [row] = found["runs"]
    assert (row["name"], row["queries"], row["unjudged_queries"], row["missing_queries"]) == ("a-1", 2, 1, 1)
    assert (row["ndcg"], row["judged"], row["bpref"], row["low"]) == (1, 0.75, 1, None)
    text = "\n".join(judged_lines(found))
    for part in ("1 judged query in no run", "2 judged results in no run", "a-1: 1 query without a judgement"):
        assert part in text


def test_runs_are_ordered_and_different_queries_are_said(tmp_path: Path) -> None:
    better = written(tmp_path, RUN, "better.run")
    worse = written(tmp_path, "owls/1.jpg Q0 bats/1.jpg 1 8 t\n", "worse.run")
    found = judged_runs(written(tmp_path, QRELS), [worse, better])
    assert [row["name"] for row in found["runs"]] == ["better", "worse"] and found["runs"][1]["bpref"] == 0
    assert any("not of the same queries" in note for note in found["notes"])
    both = judged_runs(written(tmp_path, QRELS), [better, written(tmp_path, RUN, "more/better.run")])
    assert {row["name"] for row in both["runs"]} == {str(better), str(tmp_path / "more" / "better.run")}
    assert not any("same queries" in note for note in both["notes"])


def test_nothing_in_common_is_an_error(tmp_path: Path) -> None:
    qrels, run = written(tmp_path, QRELS), written(tmp_path, RUN, "a.run")
    with pytest.raises(MetricsError, match=r"b\.run and .*no query in common: the run has 'q'"):
        judged_runs(qrels, [run, written(tmp_path, "q Q0 a 1 1 t\n", "b.run")])
    with pytest.raises(MetricsError, match="the run is empty"):
        judged_runs(qrels, [written(tmp_path, "", "b.run")])
    with pytest.raises(MetricsError, match="no run has a result that"):
        judged_runs(qrels, [written(tmp_path, "owls/1.jpg Q0 a 1 1 t\n", "b.run")])


def test_the_command_prints_a_table_or_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(written(tmp_path, QRELS)), str(written(tmp_path, RUN, "a.run"))]
    assert main(["judge", *files]) == 0
    assert "nDCG@8" in (text := capsys.readouterr().out) and "An interval needs 10 judged queries." in text
    assert main(["judge", *files, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["runs"][0]["ndcg"] == 1 and document["depth"] == 8
    written(tmp_path, "q 0\n")
    assert main(["judge", *files]) == 1 and "qrels.txt, line 1" in capsys.readouterr().err
