"""Choices about the layout of a source, as a data set stores them."""

from collections.abc import Mapping
from typing import Any

from config.errors import Rejected
from mlcore.datasets.layout_choices import SPLIT_CHOICES, LayoutChoices
from mlcore.errors import DatasetError

Layout = Mapping[str, Any]
"""The fields of mlcore's LayoutChoices; what is left out, or empty, is found."""

LONGEST = 300  # characters of a pattern, or of a name of a column
SPLITS = tuple(choice for choice in SPLIT_CHOICES if choice)
"""What can be chosen about the split."""


_TITLES = {
    "level": "class folders at level {}",
    "pattern": "the pattern {}",
    "path_column": "paths in column {}",
    "label_column": "classes in column {}",
    "split_column": "splits in column {}",
    "split": "split by {} of the classes",
}


def described(layout: Layout) -> str:
    """Return choices in words; "" where there are none to speak of."""
    parts = [text.format(layout[name]) for name, text in _TITLES.items() if layout.get(name)]
    if names := layout.get("class_names"):
        parts.append("1 class renamed" if len(names) == 1 else f"{len(names):,} classes renamed")
    return ", ".join(parts)


def stored_choices(layout: Layout | None, *, labelled: bool) -> dict[str, Any]:
    """Return choices as JSON to store, without the empty ones.

    Raises:
        Rejected: one is unknown, or there are some although folders and files name no class.
    """
    try:
        values = LayoutChoices.from_json(layout or {}).to_json()
    except DatasetError as error:
        raise Rejected(str(error), field="layout") from error
    if values and not labelled:
        raise Rejected(
            f"without labels the layout is not read, so {next(iter(values))} cannot be chosen; leave it out, or keep "
            "the labels",
            field="layout",
        )
    return values
