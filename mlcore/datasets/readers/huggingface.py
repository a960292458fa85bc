"""Hugging Face `imagefolder`: a metadata table in the folder of each split, or one for all."""

from dataclasses import replace

from mlcore.datasets.filetree import FileTree
from mlcore.datasets.label_tables import COLUMN_CHOICES, READ, explains, table_files
from mlcore.datasets.layout_choices import LayoutChoices
from mlcore.datasets.reader_table import LayoutReader, Precedence
from mlcore.datasets.source import Source
from mlcore.datasets.table_source import read_label_tables

TITLE = "Hugging Face imagefolder"
TABLES = ("metadata.csv", "metadata.jsonl")


def find_metadata(tree: FileTree) -> str | None:
    """Return "" where metadata tables label the pictures: of captions alone, the folders name the classes."""
    return "" if explains(tree, _metadata(tree)) else None


def read_metadata(tree: FileTree, top: str, choices: LayoutChoices) -> Source:
    """Return the source of the pictures whose classes stand in metadata.csv or metadata.jsonl.

    A folder named train, validation or test above a table states its split. Numbered classes get the names that
    README.md or dataset_infos.json give them.

    Raises:
        DatasetError: a table cannot be read, its columns cannot be told, or there are too few classes.
    """
    choices.refuse_others(TITLE, *COLUMN_CHOICES, "split", "class_names")
    return read_label_tables(tree, _metadata(tree), replace(choices, reader="huggingface"))


def _metadata(tree: FileTree) -> list[str]:
    return [path for path in table_files(tree, READ) if path.rpartition("/")[2] in TABLES]


READER = LayoutReader(
    title=TITLE,
    recognised_by=f"`{TABLES[0]}` or `{TABLES[1]}` with `file_name` and a column of classes",
    also_needed="the pictures beside each table; Parquet has to be exported as files first",
    training="`train/`, where no class is in another split too; otherwise the first half of the classes",
    held_out="the rest",
    precedence=Precedence.DESCRIBED,
    find=find_metadata,
    read=read_metadata,
)
