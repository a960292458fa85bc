"""The report's drawings, as SVG text that is the same for the same document."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

from mlcore.evaluation.metric_table import HEADLINE, title_of

INK, ACCENT, PALE = "#1d2733", "#b4460f", "#8a94a0"


def accuracy_chart(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the headline metric of every row with its 95 % interval, the best above."""
    figure, axes = _figure(len(rows) * 0.26 + 0.8)
    places = range(len(rows), 0, -1)
    for place, row in zip(places, rows, strict=True):
        found = row["metrics"][HEADLINE]
        color = ACCENT if row["level_with_best"] else PALE if row["baseline"] else INK
        axes.plot([100 * found["low"], 100 * found["high"]], [place, place], color=color, linewidth=1.4)
        axes.plot([100 * found["mean"]], [place], "o", color=color, markersize=4)
    axes.set_yticks(list(places), [row["title"] for row in rows])
    axes.set_xlabel(f"{title_of(HEADLINE)}, percent")
    axes.grid(axis="x", color=PALE, alpha=0.3, linewidth=0.6)
    return _svg(figure)


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
    return _svg(figure)


def _figure(height: float) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, height), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(labelsize=9, length=0)
    return figure, axes


def _svg(figure: Any) -> str:
    """Return the drawing's <svg> element; without date and with fixed ids, so that it repeats."""
    import matplotlib

    stream = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "kindred", "svg.fonttype": "none"}):
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = stream.getvalue()
    return text[text.index("<svg") :]
