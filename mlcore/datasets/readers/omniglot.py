"""Omniglot in its original folders."""

from mlcore.datasets.filetree import FileTree
from mlcore.datasets.list_source import Listed, listed_source
from mlcore.datasets.reader_table import LayoutReader, as_published, highest
from mlcore.datasets.source import TEST, TRAIN, OfficialSplit, Source, path_key, readable_class

BACKGROUND = "images_background"
EVALUATION = "images_evaluation"
NAME = "Omniglot"
OFFICIAL = OfficialSplit(classes=1_623, train_classes=964, train_images=19_280, test_images=13_180)
LICENCE = (
    "MIT. Cite Lake, Salakhutdinov, Tenenbaum, "
    "Human-level concept learning through probabilistic program induction, Science 350 (2015)"
)


def read_omniglot(tree: FileTree, top: str, *, expected: OfficialSplit = OFFICIAL) -> Source:
    """Return Omniglot: the characters of the background alphabets train, those of the evaluation alphabets test.

    A class is a character of an alphabet: images_background/Latin/character01/0683_01.png.

    Args:
        top: folder that holds images_background/ and images_evaluation/ in the tree, "" or ending in "/".

    Raises:
        DatasetError: the counts are not `expected`.
    """
    numbers: dict[str, int] = {}
    listed = []
    for part, split in ((BACKGROUND, TRAIN), (EVALUATION, TEST)):
        for path in sorted((path for path in tree.sizes if path.startswith(f"{top}{part}/")), key=path_key):
            folders = path.removeprefix(f"{top}{part}/").split("/")[:-1]
            if len(folders) != 2 or not path.endswith(".png"):
                continue  # a note beside the drawings
            number = numbers.setdefault("/".join((part, *folders)), len(numbers) + 1)
            alphabet, character = map(readable_class, folders)
            listed.append(Listed(path, number, f"{alphabet} {character.removeprefix('character')}", split))
    return listed_source(tree, listed, name=NAME, licence=LICENCE, expected=expected)


def find_omniglot(tree: FileTree) -> str | None:
    """Return the folder that holds both splits; None where there is none."""
    parts = (f"{BACKGROUND}/", f"{EVALUATION}/")
    return highest(top for top in tree.folders if all(top + part in tree.folders for part in parts))


READER = LayoutReader(
    title=NAME,
    recognised_by=f"`{BACKGROUND}/` with `{EVALUATION}/`",
    also_needed="alphabets, characters, drawings",
    training=f"{OFFICIAL.train_images:,} pictures of {OFFICIAL.train_classes} characters",
    held_out=f"{OFFICIAL.test_images:,} of {OFFICIAL.classes - OFFICIAL.train_classes}",
    licence=LICENCE,
    find=find_omniglot,
    read=as_published(NAME, read_omniglot),
)
