"""Colours and marks of models and runs, by number: the same on pages, in charts and in files."""

from retrieval.models import COLORS, Dataset, Model

HEX = ("#0067a8", "#b04a00", "#00785a", "#a8437f", "#8a6100", "#1b7fb5", "#5f6a00", "#3d4348")
"""The colours of the light theme, `--model-0` to `--model-7` in `tokens.css`."""

MARKS = ("o", "s", "^", "D", "P", "o", "v", "s")
"""matplotlib's names of the marks in `site.css`."""

HOLLOW = frozenset({5, 7})
"""Numbers of the marks that are outlines, which tells them from the other circle and square."""


def color_of(position: int) -> int:
    """Return the number of the colour at a position of a list."""
    return position % COLORS


def next_color(dataset: Dataset) -> int:
    """Return the number of the colour of the next model of a data set."""
    return color_of(Model.objects.filter(dataset=dataset).count())
