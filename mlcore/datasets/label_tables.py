"""Tables of labels among the files of a tree, and which of them name its pictures."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from mlcore.datasets.filetree import FileTree
from mlcore.datasets.label_columns import LabelColumns, is_known, label_columns
from mlcore.datasets.layout_choices import NO_CHOICES, LayoutChoices
from mlcore.datasets.picture_folders import folder_of_file, has_class_folders, split_of_file
from mlcore.datasets.picture_index import PictureIndex
from mlcore.datasets.tables import MOST_BYTES, Table, read_json_lines, read_table
from mlcore.errors import DatasetError

READ: dict[str, Callable[[bytes, str], Table]] = {
    ".csv": read_table, ".tsv": read_table, ".tab": read_table, ".jsonl": read_json_lines, ".ndjson": read_json_lines,
}  # fmt: skip
NOT_READ = frozenset({".parquet", ".feather", ".arrow", ".xlsx", ".xls", ".ods"})
COLUMN_CHOICES = ("path_column", "label_column", "split_column")
_DEEPEST = 3  # folders above a table
_MOST_TABLES = 20
_SAMPLED_BYTES = 2**18


@dataclass(frozen=True)
class LabelTable:
    """A table that names pictures, in the file `path`; `split` is that of its name or folder, "" for none.

    rows: how many it has, or about how many where only its beginning was read.
    """

    path: str
    table: Table
    columns: LabelColumns
    split: str
    rows: int
    has_header: bool

    @property
    def folder(self) -> str:
        """Its folder, "" or ending in "/"."""
        return folder_of_file(self.path)

    @property
    def pictures(self) -> float:
        """About how many pictures it names."""
        return self.rows * self.columns.share


def table_files(tree: FileTree, endings: Iterable[str]) -> list[str]:
    """Return the first files with one of these endings, the highest first.

    Those of a competition's submission are left out: their labels are placeholders.
    """
    files = [
        path
        for ending in endings
        for path in tree.by_ending.get(ending, ())
        if path.count("/") <= _DEEPEST and "submission" not in path.rpartition("/")[2].casefold()
    ]
    return sorted(files, key=lambda path: (path.count("/"), path))[:_MOST_TABLES]


def explains(tree: FileTree, files: Sequence[str]) -> bool:
    """Say whether tables among `files` label the pictures of a tree, better than its folders do.

    Only the beginning of each is read. Folders of classes win over tables that name fewer than half of the pictures.
    """
    if not files:
        return False
    index = PictureIndex(tree)
    if not index.paths:
        return False
    folders = has_class_folders(index.paths)
    named, faults = 0.0, 0
    for path in files:
        try:
            table = label_table(tree, index, path, NO_CHOICES, sampled=True)
        except DatasetError:
            faults += 1
            continue
        # Without class folders, a table whose columns are not clear is worth the error that lists them.
        named += table.pictures if table and (table.columns.labels or not folders) else 0
    if folders:
        return named >= len(index.paths) / 2
    return named > 0 or faults > 0


def label_table(
    tree: FileTree, index: PictureIndex, path: str, choices: LayoutChoices, *, sampled: bool = False
) -> LabelTable | None:
    """Return the table in a file; None where it names no pictures of the tree.

    Raises:
        DatasetError: it cannot be read, or lacks a column that is chosen.
    """
    table, rows = _read(tree, path, sampled=sampled)
    split = split_of_file(path)

    def names_picture(text: str) -> bool:
        return bool(index.find(text, folder=folder_of_file(path), split=split)[0])

    has_header = not _begins_with_picture(table, names_picture)
    if not has_header:
        table = _without_header(table)
    columns = label_columns(table, names_picture, choices)
    if columns is None:
        return None
    return LabelTable(path, table, columns, split, max(rows, len(table.rows)), has_header)


def _read(tree: FileTree, path: str, *, sampled: bool) -> tuple[Table, int]:
    """Return a table, or the beginning of it, and the number of its lines."""
    data = tree.read(path, MOST_BYTES)
    name = path.rpartition("/")[2]
    read = READ[PurePosixPath(path).suffix.casefold()]
    end = data.rfind(b"\n", 0, _SAMPLED_BYTES) + 1
    in_bytes = not data.startswith((b"\xff\xfe", b"\xfe\xff"))  # else a line's end takes two bytes or more
    if sampled and in_bytes and len(data) > _SAMPLED_BYTES and end:
        try:
            return read(data[:end], name), data.count(b"\n")
        except DatasetError:
            pass  # cut within a quoted cell
    table = read(data, name)
    return table, len(table.rows)


def _begins_with_picture(table: Table, names_picture: Callable[[str], bool]) -> bool:
    """Say whether a table has no header: two or three columns, and the first row names a picture."""
    if not 2 <= len(table.columns) <= 3 or any(map(is_known, table.columns)):
        return False
    return any(names_picture(cell) for cell in table.columns)


def _without_header(table: Table) -> Table:
    columns = tuple(f"column {number}" for number in range(1, len(table.columns) + 1))
    return replace(table, columns=columns, rows=[table.columns, *table.rows], lines=[1, *table.lines])
