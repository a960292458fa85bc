"""The report's drawings, as SVG text that is the same for the same document."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

from mlcore.evaluation.metric_table import HEADLINE, title_of

INK, ACCENT, PALE = "#1d2733", "#b4460f", "#8a94a0"


def accuracy_chart(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the headline metric of every row with its 95 % interval, the best above."""
    figure, axes = chart(len(rows) * 0.26 + 0.8)
    places = range(len(rows), 0, -1)
    for place, row in zip(places, rows, strict=True):
        found = row["metrics"][HEADLINE]
        color = ACCENT if row["level_with_best"] else PALE if row["baseline"] else INK
        axes.plot([100 * found["low"], 100 * found["high"]], [place, place], color=color, linewidth=1.4)
        axes.plot([100 * found["mean"]], [place], "o", color=color, markersize=4)
    axes.set_yticks(list(places), [row["title"] for row in rows])
    axes.set_xlabel(f"{title_of(HEADLINE)}, percent")
    axes.grid(axis="x", color=PALE, alpha=0.3, linewidth=0.6)
    return as_svg(figure)


def curves_chart(curves: Mapping[str, Sequence[float]], titles: Mapping[str, str]) -> str:
    """Return the mean training loss by epoch, one small drawing a row: scales of losses do not compare."""
    from matplotlib.figure import Figure

    columns = 4
    lines = -(-len(curves) // columns)
    figure = Figure(figsize=(8, 1.5 * lines), layout="constrained")
    for place, (name, losses) in enumerate(curves.items(), 1):
        axes = figure.add_subplot(lines, columns, place)
        axes.plot(range(1, len(losses) + 1), losses, color=INK, linewidth=1.2)
        axes.set_title(titles[name], fontsize=8, loc="left")
        axes.tick_params(labelsize=7, length=2)
        axes.spines[["top", "right"]].set_visible(False)
    return as_svg(figure)


def recall_chart(curves: Mapping[str, Sequence[tuple[int, float]]], titles: Mapping[str, str]) -> str:
    """Return Recall@1 of the validation classes by epoch, a line for each row, its title at the line's end."""
    figure, axes = chart(3.6)
    for name, points in curves.items():
        epochs, values = zip(*points, strict=True)
        axes.plot(epochs, [100 * value for value in values], color=INK, linewidth=1.2, alpha=0.7)
        axes.annotate(
            titles[name], (epochs[-1], 100 * values[-1]), xytext=(4, 0), textcoords="offset points", fontsize=8
        )
    axes.set_xlabel("epoch")
    axes.grid(axis="y", color=PALE, alpha=0.3, linewidth=0.6)
    return as_svg(figure)


def best_of_n_chart(curves: Mapping[str, Sequence[float]]) -> str:
    """Return the expected best value of n trials, a line for each loss, its name at the line's end.

    Names are moved apart where lines end close together.
    """
    figure, axes = chart(max(3.6, 0.2 * len(curves)))
    ends = []
    for name, values in curves.items():
        shown = [100 * value for value in values]
        axes.plot(range(1, len(shown) + 1), shown, color=INK, linewidth=1.2, alpha=0.7)
        ends.append((shown[-1], len(shown), name))
    low, high = axes.get_ylim()
    step, level = 0.055 * (high - low) * min(1, 18 / len(curves)), low - (high - low)
    for value, n, name in sorted(ends):
        level = max(value, level + step)
        axes.annotate(
            name, (n, value), xytext=(n + 0.04 * len(curves[name]), level), fontsize=8, va="center",
            arrowprops={"arrowstyle": "-", "color": PALE, "linewidth": 0.6, "relpos": (0, 0.5)},
        )  # fmt: skip
    axes.set_ylim(low, max(high, level + step))
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel("trials")
    axes.set_ylabel(f"expected best {title_of(HEADLINE)}, percent", fontsize=9)
    axes.grid(axis="y", color=PALE, alpha=0.3, linewidth=0.6)
    return as_svg(figure)


CHARTS = ("svg", "png")
"""Files of `slide_chart`, by the end of their name."""


def slide_chart(document: Mapping[str, Any], suffix: str) -> bytes:
    """Return the headline metric of every row with its 95 % interval, best above, on a 16:9 slide: one of CHARTS."""
    import matplotlib
    from matplotlib.figure import Figure

    rows = sorted(document["rows"], key=lambda row: -row["metrics"][HEADLINE]["mean"])
    # parse_math: a title is no formula, whatever its dollars.
    settings: Any = {"svg.hashsalt": "kindred", "svg.fonttype": "none", "text.parse_math": False}
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=(13.33, max(7.5, 0.34 * len(rows) + 1.6)), layout="constrained")
        axes = figure.add_subplot()
        size = 16 if len(rows) <= 16 else 12
        for place, row in enumerate(rows):
            found, level = row["metrics"][HEADLINE], row["level_with_best"]
            color = ACCENT if level else PALE if row["baseline"] else INK
            axes.plot([100 * found["low"], 100 * found["high"]], [place, place], color=color, linewidth=3)
            axes.plot([100 * found["mean"]], [place], "D" if level else "o", color=color, markersize=11)
            axes.annotate(
                f"{100 * found['mean']:.1f}", (100 * found["high"], place), xytext=(10, 0),
                textcoords="offset points", va="center", fontsize=size, color=INK,
            )  # fmt: skip
        titles = [row["title"] + (" ●" if row["level_with_best"] else "") for row in rows]
        axes.set_yticks(range(len(rows)), titles)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.margins(x=0.08)
        axes.tick_params(labelsize=size, length=0, colors=INK)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.grid(axis="x", color=PALE, alpha=0.4)
        axes.set_xlabel(f"{title_of(HEADLINE)}, percent, with 95 % intervals", fontsize=size, color=INK)
        about = f"{document['comparison']['dataset']['name']}, {document['comparison']['protocol']['name']}"
        axes.set_title(about, loc="left", fontsize=20, color=INK)
        note = f"{document['seeds']} seed{'' if document['seeds'] == 1 else 's'}. "
        is_tested = any(row["level_with_best"] is not None for row in rows)
        note += "● no significant difference to the best" if is_tested else "No conclusion from one seed"
        figure.supxlabel(note, fontsize=12, color=INK)
        stream = io.BytesIO()
        metadata = {"Date": None, "Creator": None} if suffix == "svg" else {"Software": None}
        figure.savefig(stream, format=suffix, dpi=144, facecolor="white", metadata=metadata)
    return stream.getvalue()


def chart(height: float) -> tuple[Any, Any]:
    """Return a figure of that height in inches and its one pair of axes, in the report's style."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, height), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(labelsize=9, length=0)
    return figure, axes


def as_svg(figure: Any) -> str:
    """Return the drawing's <svg> element; without date and with fixed ids, so that it repeats."""
    import matplotlib

    stream = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "kindred", "svg.fonttype": "none"}):
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = stream.getvalue()
    return text[text.index("<svg") :]
