"""The further metrics of a report as tables of text, which every format and the site's page show alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlcore.comparison.report.formatting import percent_text
from mlcore.comparison.report.further import CLEAN, DROP, SCORES, VARIANTS
from mlcore.evaluation.metric_table import title_of

MISSING, NOT_MEASURED = "–", "not measured"
BOTH = " and ".join(map(title_of, ("recall_at_1", "map_at_r")))
COMMAND = "python -m mlcore further COMPARISON --data DATA --robustness"


@dataclass(frozen=True)
class FurtherTable:
    """name: for a drawing, and an address on a page. rows: each row's title and cells; cells fit the columns."""

    name: str
    title: str
    text: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]


def further_tables(document: Mapping[str, Any]) -> list[FurtherTable]:
    """Return the tables of a report, none where nothing was measured, as before format 5."""
    further = document.get("further")
    if not further:
        return []
    return [
        *(_of_sizes(document, variant) for variant in VARIANTS),
        _of_open_set(document),
        _of_robustness(document),
    ]


_SIZES = {
    "pca": (
        "Fewer dimensions by PCA",
        "{both} in percent of embeddings cut to their principal axes, which are fitted on training embeddings; "
        "in brackets the bytes of a picture as float32.",
    ),
    "first": (
        "Fewer dimensions by leaving coordinates out",
        "{both} in percent of the first coordinates alone, scaled to length 1. Nested (Matryoshka) training makes "
        "these good; else only a start from PCA gives coordinates an order.",
    ),
    "int8": (
        "Quality per byte",
        "{both} in percent of vectors cut by PCA whose numbers are stored as int8. Each vector has its own symmetric "
        "scale, which cosines ignore: a dimension takes one byte in place of four, and nothing is fitted. "
        "A row without PCA has its first coordinates here.",
    ),
}
OPEN_SET = {
    "auroc": "AUROC",
    "fpr_at_95_tpr": "FPR at 95 % TPR",
    "false_rejection": "Known rejected",
    "correct_rejection": "Unknown rejected",
}
BYTES = {"pca": 4, "first": 4, "int8": 1}


def further_means(document: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Return the means of each row under names for columns: pca_64_map_at_r, auroc, blur_recall_at_1."""
    further = document.get("further") or {"rows": {}, "kinds": []}
    kinds = (CLEAN, *(kind["name"] for kind in further["kinds"]), DROP)
    means: dict[str, dict[str, float]] = {}
    for name in (row["name"] for row in document["rows"] if row["name"] in further["rows"]):
        row = further["rows"][name]
        sizes = {f"{variant}_{size['dims']}": size["scores"] for variant in VARIANTS for size in row["sizes"][variant]}
        scores = sizes | {kind: row["robustness"][kind] for kind in kinds if kind in row["robustness"]}
        means[name] = {f"{of}_{metric}": scores[of][metric]["mean"] for of in scores for metric in SCORES}
        means[name] |= {figure: row["open_set"][figure]["mean"] for figure in OPEN_SET if figure in row["open_set"]}
    return means


def _of_sizes(document: Mapping[str, Any], variant: str) -> FurtherTable:
    rows = document["further"]["rows"]
    steps = sorted({size["dims"] for row in rows.values() for sizes in row["sizes"].values() for size in sizes})
    title, text = _SIZES[variant]
    cells = {}
    for name, row in rows.items():
        scores = {size["dims"]: size["scores"] for size in row["sizes"][variant]}
        cells[name] = [both_text(scores.get(dims)) for dims in steps]
    columns = {str(dims): f"{dims} ({BYTES[variant] * dims} B)" for dims in steps}
    return _table(document, (f"sizes-{variant}", title, text.format(both=BOTH)), columns, cells)


def _of_open_set(document: Mapping[str, Any]) -> FurtherTable:
    text = (
        "Percent. Half of the held-out classes leave the gallery, so their queries are unknown; then the halves change "
        "places. A query is rejected where its nearest picture is not similar enough. FPR: unknown queries accepted "
        "where 95 % of the known are. The last two columns use one threshold, chosen by the other half's known queries."
    )
    found = document["further"]["rows"].items()
    cells = {name: [spread_text(row["open_set"].get(column)) for column in OPEN_SET] for name, row in found}
    return _table(document, ("open-set", "Unknown classes", text), OPEN_SET, cells)


def _of_robustness(document: Mapping[str, Any]) -> FurtherTable:
    kinds, found = document["further"]["kinds"], document["further"]["rows"].items()
    columns = {CLEAN: "As it is", **{kind["name"]: kind["title"] for kind in kinds}, DROP: "Mean drop"}
    altered = "; ".join(f"{kind['title']}: {kind['meaning']}" for kind in kinds)
    text = f"{BOTH} in percent where queries are altered and the gallery is as it is. {altered}. Mean drop: in points."
    if not any(row["robustness"] for _, row in found):
        text += f" Measured by {COMMAND}."
    cells = {name: [both_text(row["robustness"].get(column)) for column in columns] for name, row in found}
    return _table(document, ("robustness", "Altered queries", text), columns, cells)


def _table(
    document: Mapping[str, Any],
    about: tuple[str, str, str],
    columns: Mapping[str, str],
    cells: Mapping[str, Sequence[str]],
) -> FurtherTable:
    """Return a table with a line for every row of the report: its cells, or that it was not measured.

    about: name, title and text of the table; the text goes on where only a part of the queries was asked.
    """
    name, title, text = about
    if document["further"]["queries"] < document["queries"]:
        text += f" {document['further']['queries']:,} of the queries, drawn once."
    nothing = (NOT_MEASURED, *[""] * (len(columns) - 1))
    found = {name: tuple(texts) for name, texts in cells.items() if any(text != MISSING for text in texts)}
    lines = tuple((row["title"], found.get(row["name"], nothing)) for row in document["rows"])
    return FurtherTable(name, title, text, tuple(columns.values()), lines)


def both_text(scores: Mapping[str, Any] | None) -> str:
    """Return Recall@1 and MAP@R in one cell: 63.10 ± 0.30 / 20.40 ± 0.20."""
    return MISSING if scores is None else " / ".join(spread_text(scores[name]) for name in SCORES)


def spread_text(spread: Mapping[str, Any] | None) -> str:
    """Return mean and standard deviation over seeds in percent."""
    if spread is None:
        return MISSING
    return percent_text(spread["mean"]) + ("" if spread["sd"] is None else f" ± {percent_text(spread['sd'])}")
