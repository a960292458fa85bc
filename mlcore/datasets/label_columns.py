"""The columns of a table that name pictures, their classes and their splits."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mlcore.datasets.layout_choices import LayoutChoices
from mlcore.datasets.split_words import split_in_name
from mlcore.datasets.tables import Table

# In the order in which they are tried: a name of a file before an id, a name of a class before its number.
PATH_COLUMNS = (
    "path", "file_path", "filepath", "filepaths", "image_path", "img_path", "file", "filename", "file_name", "files",
    "image", "images", "image_name", "image_file", "img", "img_name", "picture", "photo", "image_id", "img_id",
    "name", "id", "key", "uuid",
)  # fmt: skip
LABEL_COLUMNS = (
    "label", "labels", "class", "class_name", "classname", "classes", "category", "category_name", "label_name",
    "class_label", "target", "species", "species_name", "scientific_name", "breed", "variety", "identity",
    "diagnosis", "dx", "tag", "type", "product_id", "item_id", "individual_id", "person_id", "landmark_id",
    "label_id", "class_id", "category_id", "label_group", "y",
)  # fmt: skip
SPLIT_COLUMNS = ("split", "subset", "partition", "set", "data_set", "dataset", "phase", "usage", "fold")
_INDEX_COLUMNS = ("", "unnamed_0", "index", "idx")
_SAMPLED_ROWS = 200
_LEAST_SHARE = 0.5
"""The share of a column's values that must name pictures where its name does not say that it does."""
_FEW_ROWS = 10
_MOST_DIFFERENT = 0.9  # of the values of a column of classes

NamesPicture = Callable[[str], bool]


@dataclass(frozen=True)
class LabelColumns:
    """Positions of columns. labels: of one that holds the class, or of one for each class, marked by 1.

    share: of the sampled values of `path` that name pictures, above 0 to 1.
    """

    path: int
    labels: tuple[int, ...]
    split: int | None
    share: float

    def classes_of(self, row: Sequence[str], header: Sequence[str]) -> list[str]:
        """Return the classes that a row gives its picture: mostly one; none where the cell is empty."""
        if len(self.labels) > 1:
            return [header[column] for column in self.labels if _is_mark(row[column]) and float(row[column]) > 0]
        text = row[self.labels[0]]
        if text.startswith("["):
            return _classes_of_list(text)
        return [text] if text else []

    def split_of(self, row: Sequence[str]) -> str:
        """Return the split that a row states, "" where it states none that is known."""
        return "" if self.split is None else split_in_name(row[self.split])


def label_columns(table: Table, names_picture: NamesPicture, choices: LayoutChoices) -> LabelColumns | None:
    """Return the columns of a table of labels; `labels` is empty where no column can be told to hold the class.

    None is a table that names no pictures.

    Raises:
        DatasetError: it lacks a column that is chosen.
    """
    chosen_path = table.required(choices.path_column) if choices.path_column else None
    chosen_label = table.required(choices.label_column) if choices.label_column else None
    chosen_split = table.required(choices.split_column) if choices.split_column else None
    names = [normal_name(column) for column in table.columns]
    path, share = _path_column(table, names, names_picture, chosen_path, {chosen_label, chosen_split})
    if path is None:
        return None
    split = chosen_split if chosen_split is not None else _split_column(table, names, {path, chosen_label})
    labels = (chosen_label,) if chosen_label is not None else _class_columns(table, names, {path, split})
    return LabelColumns(path, labels, split, share)


def normal_name(column: str) -> str:
    """Return "file_name" for "File Name" and the like."""
    return re.sub(r"[\W_]+", "_", column.casefold()).strip("_")


def is_known(column: str) -> bool:
    """Say whether a name is one that headers have."""
    return normal_name(column) in {*PATH_COLUMNS, *LABEL_COLUMNS, *SPLIT_COLUMNS}


def _sample(table: Table) -> Sequence[tuple[str, ...]]:
    return table.rows[:: max(1, len(table.rows) // _SAMPLED_ROWS)]


def _path_column(
    table: Table, names: list[str], names_picture: NamesPicture, chosen: int | None, others: set[int | None]
) -> tuple[int | None, float]:
    """Return the column that names pictures and the share of its values that do."""
    rows = _sample(table)
    if not rows:
        return None, 0.0
    by_name = [names.index(name) for name in PATH_COLUMNS if name in names]
    columns = [column for column in (*by_name, *range(len(names))) if column not in others]
    shares = {}
    for column in [chosen] if chosen is not None else dict.fromkeys(columns):
        shares[column] = sum(names_picture(row[column]) for row in rows if row[column]) / len(rows)
        if shares[column] >= _LEAST_SHARE:
            return column, shares[column]
    best = next((column for column in shares if shares[column] and (column == chosen or column in by_name)), None)
    return best, shares.get(best, 0.0) if best is not None else 0.0


def _split_column(table: Table, names: list[str], others: set[int | None]) -> int | None:
    """Return the column of that name whose values are splits."""
    for name in SPLIT_COLUMNS:
        if name in names and names.index(name) not in others:
            column = names.index(name)
            if all(split_in_name(row[column]) for row in _sample(table) if row[column]):
                return column
    return None


def _class_columns(table: Table, names: list[str], others: set[int | None]) -> tuple[int, ...]:
    """Return the column that holds the class, or one for each class; none where it cannot be told."""
    left = [column for column in range(len(names)) if column not in others]
    for name in LABEL_COLUMNS:
        if name in names and names.index(name) in left:
            return (names.index(name),)
    left = [column for column in left if names[column] not in (*_INDEX_COLUMNS, *SPLIT_COLUMNS)]
    if len(left) == 1:
        return (left[0],) if _may_be_classes([row[left[0]] for row in _sample(table)]) else ()
    marks = all(_is_mark(row[column]) for row in _sample(table) for column in left)
    return tuple(left) if left and marks else ()


def _may_be_classes(values: Sequence[str]) -> bool:
    """Say whether values without a telling header may name classes: not measures, and not different in each row."""
    measures = all(re.fullmatch(r"[-+]?\d*[.,]\d+", value) for value in values)
    return not measures and (len(values) < _FEW_ROWS or len(set(values)) <= _MOST_DIFFERENT * len(values))


def _is_mark(text: str) -> bool:
    return re.fullmatch(r"[01](\.0*)?", text) is not None


def _classes_of_list(text: str) -> list[str]:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return [text]
    return [value if isinstance(value, str) else json.dumps(value) for value in values]
