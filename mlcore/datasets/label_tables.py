"""Tables of labels among the files of a tree: which of them name its pictures, and the source of what they say."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from mlcore.datasets.class_folders import arrange_folders
from mlcore.datasets.class_lists import class_names
from mlcore.datasets.filetree import FileTree
from mlcore.datasets.label_columns import LabelColumns, is_known, label_columns
from mlcore.datasets.labelled_pictures import LabelledPictures
from mlcore.datasets.layout_choices import NO_CHOICES, LayoutChoices, LayoutOptions
from mlcore.datasets.picture_index import PictureIndex
from mlcore.datasets.source import Source
from mlcore.datasets.split_words import split_in_name
from mlcore.datasets.tables import MOST_BYTES, Table, read_json_lines, read_table
from mlcore.errors import DatasetError, shortened

READ: dict[str, Callable[[bytes, str], Table]] = {
    ".csv": read_table, ".tsv": read_table, ".tab": read_table, ".jsonl": read_json_lines, ".ndjson": read_json_lines,
}  # fmt: skip
NOT_READ = frozenset({".parquet", ".feather", ".arrow", ".xlsx", ".xls", ".ods"})
COLUMN_CHOICES = ("path_column", "label_column", "split_column")
_DEEPEST = 3  # folders above a table
_LONGEST_ENDING = 8  # ".parquet"
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


def folder_of_file(path: str) -> str:
    """Return the folder of a file, "" or ending in "/"."""
    folder = path.rpartition("/")[0]
    return f"{folder}/" if folder else ""


def table_files(tree: FileTree, endings: Iterable[str]) -> list[str]:
    """Return the first files with one of these endings, the highest first.

    Those of a competition's submission are left out: their labels are placeholders.
    """
    wanted = tuple(endings)
    files = [
        path
        for path in tree.sizes
        if path[-_LONGEST_ENDING:].casefold().endswith(wanted)
        and path.count("/") <= _DEEPEST
        and "submission" not in path.rpartition("/")[2].casefold()
    ]
    return sorted(files, key=lambda path: (path.count("/"), path))[:_MOST_TABLES]


def has_class_folders(paths: Sequence[str]) -> bool:
    """Say whether the folders of pictures could name at least two classes."""
    return (count_class_folders(paths) or 0) > 1


def count_class_folders(paths: Sequence[str]) -> int | None:
    """Return the number of classes that the folders of pictures name; None for a split without class folders."""
    try:
        folders = arrange_folders(Counter(path.rpartition("/")[0] for path in paths))
    except DatasetError:
        return None
    return len({place.name for place in folders.classes.values()})


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


def split_of_file(path: str) -> str:
    """Return the split that a file's name or one of its folders states; "" where none does."""
    return split_in_name(path.rpartition("/")[2].partition(".")[0]) or split_of_folders(path)


def split_of_folders(path: str) -> str:
    """Return the split that the nearest of a file's folders states; "" where none does."""
    return next(filter(None, map(split_in_name, reversed(path.split("/")[:-1]))), "")


def _begins_with_picture(table: Table, names_picture: Callable[[str], bool]) -> bool:
    """Say whether a table has no header: two or three columns, and the first row names a picture."""
    if not 2 <= len(table.columns) <= 3 or any(map(is_known, table.columns)):
        return False
    return any(names_picture(cell) for cell in table.columns)


def _without_header(table: Table) -> Table:
    columns = tuple(f"column {number}" for number in range(1, len(table.columns) + 1))
    return replace(table, columns=columns, rows=[table.columns, *table.rows], lines=[1, *table.lines])


def read_label_tables(tree: FileTree, files: Sequence[str], choices: LayoutChoices) -> Source:
    """Return the source of the pictures that tables among `files` label.

    Several tables are read together where their names state their splits, such as train.csv and test.csv; of others,
    the one that names most pictures is read.

    Raises:
        DatasetError: no table names pictures, or none has the columns.
    """
    index = PictureIndex(tree)
    tables, unread = _tables(tree, index, files, choices)
    names = " and ".join(table.table.name for table in tables)
    pictures = LabelledPictures(tree, names)
    for table in tables:
        _take_rows(table, index, pictures)
    pictures.leave_out_others(index.paths)
    for remark in (*_remarks(tables, index, pictures), *unread):
        pictures.remark(remark)
    order = _rename_numbers(tree, tables[0].folder, pictures)
    options = LayoutOptions(chosen=_chosen(tables[0], choices), columns=tables[0].table.columns)
    return pictures.source(name=tree.name, origin=f"{tree.origin}, labelled by {names}", order=order, options=options)


def _tables(
    tree: FileTree, index: PictureIndex, files: Sequence[str], choices: LayoutChoices
) -> tuple[list[LabelTable], list[str]]:
    """Return the tables to read, and a remark on each of the others."""
    tables, unread, faults = [], [], []
    for path in files:
        try:
            table = label_table(tree, index, path, choices)
        except DatasetError as error:
            faults.append(error)
            unread.append(f"{path.rpartition('/')[2]} is not read: {error}")
            continue
        if table is None:
            unread.append(f"{path.rpartition('/')[2]} is not read: it names no pictures")
        elif not table.columns.labels:
            faults.append(_no_class_column(table))
            unread.append(f"{table.table.name} is not read: it has no column of classes")
        else:
            tables.append(table)
    if not tables:
        raise faults[0] if faults else _no_table(tree, files)
    taken = _best(tables)
    unread += [f"{table.table.name} is not read: other tables are" for table in tables if table not in taken]
    return taken, unread


def _best(tables: list[LabelTable]) -> list[LabelTable]:
    """Return the tables of splits, or the one that names more pictures than all of these."""
    with_split = [table for table in tables if table.split]
    single = max((table for table in tables if not table.split), key=lambda table: table.pictures, default=None)
    if single and single.pictures > sum(table.pictures for table in with_split):
        return [single]
    return with_split


def _no_class_column(table: LabelTable) -> DatasetError:
    columns = ", ".join(map(shortened, table.table.columns[:20]))
    return DatasetError(
        f"{table.table.name} names the pictures in its column {table.table.columns[table.columns.path]!r}, but which "
        f"column holds the class? Its columns are {columns}; choose one as label_column, or name it 'label'"
    )


def _no_table(tree: FileTree, files: Sequence[str]) -> DatasetError:
    if files:
        names = ", ".join(path.rpartition("/")[2] for path in files[:5])
        return DatasetError(
            f"no column of {names} names pictures of {tree.name}; "
            "a table of labels has a path or a file name in each row, and the class beside it"
        )
    unread = table_files(tree, NOT_READ)
    if unread:
        return DatasetError(
            f"{unread[0]} cannot be read: labels are read from CSV, TSV and JSON Lines. Export it as CSV with the "
            "columns path and label, and pictures as files of their own"
        )
    return DatasetError(f"{tree.name} has no table of labels: a file such as labels.csv with the columns path, label")


def _take_rows(table: LabelTable, index: PictureIndex, pictures: LabelledPictures) -> None:
    columns, header, name, folder = table.columns, table.table.columns, table.table.name, table.folder
    for line, row in zip(table.table.lines, table.table.rows, strict=True):
        file = row[columns.path]
        split = columns.split_of(row) or table.split
        path, fault = index.find(file, folder=folder, split=split)
        classes = columns.classes_of(row, header)
        if fault:
            pictures.miss(file or f"line {line} of {name}", fault)
        elif len(classes) > 1:
            pictures.contradict(path, f"has {len(classes)} classes in {name}")
        elif classes:
            pictures.add(path, classes[0], split)


def _remarks(tables: Sequence[LabelTable], index: PictureIndex, pictures: LabelledPictures) -> list[str]:
    remarks = [
        f"{table.table.name} has no header: its column {table.columns.path + 1} is read as the file, "
        f"column {table.columns.labels[0] + 1} as the class"
        for table in tables
        if not table.has_header
    ]
    if has_class_folders(index.paths):
        remarks.append(
            f"the classes are those of {pictures.labelled_by}, which labels {len(pictures):,} of {len(index.paths):,} "
            "pictures; to take them from the folders, choose the reader folder"
        )
    return remarks


def _rename_numbers(tree: FileTree, folder: str, pictures: LabelledPictures) -> tuple[str, ...]:
    """Give numbered classes the names that a list has beside the labels; return them in its order."""
    names, file = class_names(tree, folder, pictures.labels)
    if names:
        pictures.rename(names)
        pictures.remark(f"the names of the classes are those of {file}")
    return tuple(names.values())


def _chosen(table: LabelTable, choices: LayoutChoices) -> LayoutChoices:
    """Return the choices with the columns that are read."""
    header, columns = table.table.columns, table.columns
    return replace(
        choices,
        path_column=header[columns.path],
        label_column=header[columns.labels[0]] if len(columns.labels) == 1 else "",
        split_column="" if columns.split is None else header[columns.split],
    )
