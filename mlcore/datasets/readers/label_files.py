"""Pictures whose classes stand in a table: CSV, TSV or JSON Lines, by hand or from a competition."""

from dataclasses import replace

from mlcore.datasets.filetree import FileTree
from mlcore.datasets.label_tables import COLUMN_CHOICES, NOT_READ, READ, explains, table_files
from mlcore.datasets.layout_choices import LayoutChoices
from mlcore.datasets.reader_table import LayoutReader, Precedence
from mlcore.datasets.readers.folder import PICTURE_SUFFIXES
from mlcore.datasets.source import Source
from mlcore.datasets.table_source import read_label_tables

TITLE = "Table of labels"


def find_label_files(tree: FileTree) -> str | None:
    """Return "" where tables label the pictures, or where there are tables and no picture at all."""
    has_pictures = not PICTURE_SUFFIXES.isdisjoint(tree.by_ending)
    if explains(tree, table_files(tree, READ)) or (table_files(tree, NOT_READ) and not has_pictures):
        return ""
    return None


def read_label_files(tree: FileTree, top: str, choices: LayoutChoices) -> Source:
    """Return the source of the pictures that tables label, each row a picture with its class.

    Raises:
        DatasetError: no table names pictures, its columns cannot be told, or there are too few classes.
    """
    choices.refuse_others(TITLE, *COLUMN_CHOICES, "split", "class_names")
    return read_label_tables(tree, table_files(tree, READ), replace(choices, reader="label_files"))


READER = LayoutReader(
    title=TITLE,
    recognised_by="`labels.csv` or any `.csv`, `.tsv`, `.jsonl` with a column of file names and one of classes",
    also_needed="the pictures, in any folder; optional a column `split`, or `train.csv` beside `test.csv`",
    training="the first half of the classes, or as the table states where no class is in both halves",
    held_out="the rest",
    precedence=Precedence.LABELLED,
    find=find_label_files,
    find_chosen=lambda tree: "",
    chosen_by=COLUMN_CHOICES,
    read=read_label_files,
)
