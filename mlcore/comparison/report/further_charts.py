"""The drawings of further metrics, as SVG text that is the same for the same document."""

from collections.abc import Mapping, Sequence
from typing import Any

from mlcore.comparison.report.figures import ACCENT, INK, PALE, as_svg, chart
from mlcore.comparison.report.further import CLEAN
from mlcore.comparison.report.further_tables import BYTES, OPEN_SET
from mlcore.evaluation.metric_table import HEADLINE, title_of

LINES = {"pca": ("PCA", INK, "-"), "first": ("first coordinates", ACCENT, "--"), "int8": ("PCA, int8", ACCENT, "-")}
MARKERS = "svD^*"


def further_charts(document: Mapping[str, Any]) -> dict[str, str]:
    """Return the SVG of each of `further_tables` that has values, by the table's name; a report's rows in order.

    Other vectors of fewer dimensions are drawn beside those by PCA.
    """
    further = document.get("further")
    if not further:
        return {}
    titles = {row["name"]: row["title"] for row in document["rows"] if row["name"] in further["rows"]}
    found = {name: further["rows"][name] for name in titles}
    charts = {
        "sizes-pca": _sizes(found, titles, ("pca",), "dimensions", dict.fromkeys(BYTES, 1)),
        "sizes-first": _sizes(found, titles, ("pca", "first"), "dimensions", dict.fromkeys(BYTES, 1)),
        "sizes-int8": _sizes(found, titles, ("pca", "int8"), "bytes of a picture", BYTES),
    }
    known = {name: row["open_set"] for name, row in found.items() if row["open_set"]}
    if known:
        figures = ("auroc", "correct_rejection")
        series = {OPEN_SET[figure]: {name: row[figure]["mean"] for name, row in known.items()} for figure in figures}
        charts["open-set"] = _dots(series, titles, "percent")
    altered = {name: row["robustness"] for name, row in found.items() if row["robustness"]}
    if altered:
        kinds = {CLEAN: "as it is", **{kind["name"]: kind["title"] for kind in further["kinds"]}}
        series = {
            label: {name: row[kind][HEADLINE]["mean"] for name, row in altered.items()} for kind, label in kinds.items()
        }
        charts["robustness"] = _dots(series, titles, f"{title_of(HEADLINE)}, percent")
    return charts


def _sizes(
    found: Mapping[str, Mapping[str, Any]],
    titles: Mapping[str, str],
    variants: Sequence[str],
    unit: str,
    factors: Mapping[str, int],
) -> str:
    """Return the headline metric by size, one small drawing a row, all with the same axes."""
    from matplotlib.figure import Figure

    columns = 4
    lines = -(-len(found) // columns)
    figure = Figure(figsize=(8, 1.7 * lines + 0.5), layout="constrained")
    shared = None
    for place, (name, row) in enumerate(found.items(), 1):
        axes = figure.add_subplot(lines, columns, place, sharex=shared, sharey=shared)
        shared = shared or axes
        for variant in variants:
            label, color, style = LINES[variant]
            sizes = row["sizes"][variant]
            places = [factors[variant] * size["dims"] for size in sizes]
            values = [100 * size["scores"][HEADLINE]["mean"] for size in sizes]
            axes.plot(places, values, style, color=color, linewidth=1.2, marker=".", label=label)
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter("{x:g}")
        axes.set_title(titles[name], fontsize=8, loc="left", parse_math=False)
        axes.tick_params(labelsize=7, length=2)
        axes.spines[["top", "right"]].set_visible(False)
    if shared is not None:
        drawn, labels = shared.get_legend_handles_labels()
        figure.legend(drawn, labels, loc="outside upper right", ncols=2, fontsize=8, frameon=False)
    figure.supxlabel(unit, fontsize=8)
    figure.supylabel(f"{title_of(HEADLINE)}, percent", fontsize=8)
    return as_svg(figure)


def _dots(series: Mapping[str, Mapping[str, float]], titles: Mapping[str, str], label: str) -> str:
    """Return values by row, the first series as filled dots, others as markers of their own."""
    names = list(next(iter(series.values())))
    figure, axes = chart(len(names) * 0.26 + 1)
    places = range(len(names), 0, -1)
    for number, (title, values) in enumerate(series.items()):
        marker, color = ("o", INK) if number == 0 else (MARKERS[(number - 1) % len(MARKERS)], ACCENT)
        axes.plot(
            [100 * values[name] for name in names], list(places), marker, color=color, markersize=4, linestyle="none",
            fillstyle="full" if number == 0 else "none", label=title,
        )  # fmt: skip
    axes.set_yticks(list(places), [titles[name] for name in names], parse_math=False)
    axes.set_xlabel(label)
    axes.grid(axis="x", color=PALE, alpha=0.3, linewidth=0.6)
    if len(series) > 1:
        figure.legend(loc="outside upper right", ncols=len(series), fontsize=8, frameon=False)
    return as_svg(figure)
