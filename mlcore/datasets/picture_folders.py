"""What the folders of pictures, and of the files beside them, say: classes or a split."""

from collections import Counter
from collections.abc import Sequence

from mlcore.datasets.class_folders import arrange_folders
from mlcore.datasets.split_words import split_in_name
from mlcore.errors import DatasetError


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


def split_of_file(path: str) -> str:
    """Return the split that a file's name or one of its folders states; "" where none does."""
    return split_in_name(path.rpartition("/")[2].partition(".")[0]) or split_of_folders(path)


def split_of_folders(path: str) -> str:
    """Return the split that the nearest of a file's folders states; "" where none does."""
    return next(filter(None, map(split_in_name, reversed(path.split("/")[:-1]))), "")


def folder_of_file(path: str) -> str:
    """Return the folder of a file, "" or ending in "/"."""
    folder = path.rpartition("/")[0]
    return f"{folder}/" if folder else ""
