"""The source of the pictures that tables label."""

from collections.abc import Sequence
from dataclasses import replace

from mlcore.datasets.class_lists import rename_numbers
from mlcore.datasets.filetree import FileTree
from mlcore.datasets.label_tables import NOT_READ, LabelTable, label_table, table_files
from mlcore.datasets.labelled_pictures import LabelledPictures
from mlcore.datasets.layout_choices import LayoutChoices, LayoutOptions, LayoutUnclear
from mlcore.datasets.picture_folders import has_class_folders
from mlcore.datasets.picture_index import PictureIndex
from mlcore.datasets.source import Source
from mlcore.errors import DatasetError, shortened


def read_label_tables(tree: FileTree, files: Sequence[str], choices: LayoutChoices) -> Source:
    """Return the source of the pictures that tables among `files` label; `choices` name the reader.

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
    order = rename_numbers(tree, tables[0].folder, pictures)
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
            faults.append(_no_class_column(table, choices))
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


def _no_class_column(table: LabelTable, choices: LayoutChoices) -> LayoutUnclear:
    header = table.table.columns
    path_column = header[table.columns.path]
    return LayoutUnclear(
        f"{table.table.name} names the pictures in its column {path_column!r}, but which column holds the class? Its "
        f"columns are {', '.join(map(shortened, header[:20]))}; choose one as label_column, or name it 'label'",
        LayoutOptions(chosen=replace(choices, path_column=path_column), columns=header),
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


def _chosen(table: LabelTable, choices: LayoutChoices) -> LayoutChoices:
    """Return the choices with the columns that are read."""
    header, columns = table.table.columns, table.columns
    return replace(
        choices,
        path_column=header[columns.path],
        label_column=header[columns.labels[0]] if len(columns.labels) == 1 else "",
        split_column="" if columns.split is None else header[columns.split],
    )
