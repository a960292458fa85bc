"""The table of metrics, and that a metric needs nothing but its function and its row there."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlcore.cli.comparing import measured_line
from mlcore.evaluation.evaluate import score, summarise
from mlcore.evaluation.metric_table import (
    DIAGNOSTICS,
    HEADLINE,
    METRICS,
    RECALL_AT_K,
    Figure,
    Place,
    columns_of,
    figures_of,
    metric_of,
    paired_test_metrics,
    shown_at,
    title_of,
    value_text,
)

ROOT = Path(__file__).resolve().parents[3]
PRODUCT = (
    "mlcore",
    "accounts",
    "jobs",
    "retrieval",
    "ratings",
    "backups",
    "operations",
    "config",
    "kindred_client",
    "templates",
    "static",
)
STORED: dict[str, Any] = {
    "recall_at": {"1": 0.5, "10": 0.875, "4": 0.75},
    "precision_at_1": 0.5,
    "r_precision": 0.375,
    "map_at_r": 0.25,
    "intervals": {"recall_at_1": [0.4, 0.6], "map_at_r": [0.2, 0.3]},
}


def test_figures_are_recall_by_its_k_and_then_the_others() -> None:
    assert list(figures_of(STORED).items()) == [
        ("recall_at_1", 0.5),
        ("recall_at_4", 0.75),
        ("recall_at_10", 0.875),
        ("r_precision", 0.375),
        ("map_at_r", 0.25),
    ]
    assert figures_of(STORED, Place.SUMMARY) == {"recall_at_1": 0.5, "map_at_r": 0.25}


def test_columns_are_those_of_the_table_whatever_was_measured() -> None:
    assert columns_of(STORED, Place.LEADERBOARD) == [
        Figure("recall_at_1", "Recall@1", 0.5, 0.4, 0.6),
        Figure("recall_at", "Recall@K", 0.875, None, None, k=10),
        Figure("map_at_r", "MAP@R", 0.25, 0.2, 0.3),
    ]
    titles = [(figure.title, figure.value) for figure in columns_of(None, Place.LEADERBOARD)]
    assert titles == [("Recall@1", None), ("Recall@K", None), ("MAP@R", None)]


def test_a_metric_younger_than_what_is_stored_is_left_out_or_empty(planted: str) -> None:
    assert planted not in figures_of(STORED)
    assert columns_of(STORED, Place.LEADERBOARD)[-1] == Figure(planted, title_of(planted), None, None, None)


@pytest.mark.parametrize(
    ("figure", "title"), [("map_at_r", "MAP@R"), ("recall_at_1", "Recall@1"), ("recall_at_30", "Recall@30")]
)
def test_every_figure_has_a_title(figure: str, title: str) -> None:
    assert title_of(figure) == title
    assert metric_of("recall_at_30").meaning == METRICS[RECALL_AT_K].meaning


def test_an_unknown_figure_is_an_error() -> None:
    with pytest.raises(KeyError, match="luck"):
        title_of("luck")


@pytest.mark.parametrize(
    ("value", "scale", "text"),
    [(0.4375, "share", "43.8"), (12.0, "count", "12"), (0.12345, "number", "0.123"), (None, "share", "–")],
)
def test_a_value_is_written_by_its_scale(value: float | None, scale: Any, text: str) -> None:
    assert value_text(value, scale) == text


def test_rows_have_a_title_and_a_meaning_of_their_own() -> None:
    rows = [*METRICS.values(), *DIAGNOSTICS.values()]
    assert len({row.title for row in rows}) == len(rows) and all(row.meaning.endswith(".") for row in rows)
    assert not METRICS.keys() & DIAGNOSTICS.keys()
    assert METRICS[HEADLINE].shown == frozenset(Place) and paired_test_metrics()[0] == HEADLINE
    for place in Place:
        assert shown_at(place), place


def test_the_table_is_read_without_torch() -> None:
    code = "import sys, mlcore.evaluation.metric_table; print(sorted({'torch', 'sklearn', 'scipy'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


# --- a metric needs its function and its row


def test_a_planted_metric_is_measured_with_its_interval(planted: str) -> None:
    random = np.random.default_rng(0)
    labels = np.arange(40) % 5
    rows = (random.standard_normal((40, 4)) + labels[:, None]).astype(np.float32)
    scores = score(rows, labels)
    metrics = summarise(scores, labels)
    assert metrics[planted] == metrics["r_precision"] == scores.columns()[planted].mean()
    assert metrics["intervals"][planted] == metrics["intervals"]["r_precision"]


def test_a_planted_metric_is_told_on_the_command_line(planted: str) -> None:
    assert measured_line(STORED | {planted: 0.4375}) == "Recall@1 50.00  MAP@R 25.00  Planted@R 43.75"


def named_in(text: str) -> bool:
    return bool(re.search(r"r_precision|R-Precision", text))


def test_a_metric_like_any_other_is_named_by_the_table_alone() -> None:
    """R-Precision is neither headline nor Recall: what names it beside the table is a list that a metric would join."""
    found = (file for folder in PRODUCT for file in (ROOT / folder).rglob("*"))
    files = [file for file in found if file.suffix in (".py", ".html", ".md", ".tex", ".js")]
    assert len(files) > 400
    named = [str(file.relative_to(ROOT)) for file in files if named_in(file.read_text())]
    assert named == ["mlcore/evaluation/metric_table.py"]
