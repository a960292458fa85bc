"""The words by which files, folders and columns name a split."""

import re

from mlcore.datasets.source import GALLERY, QUERY, TEST, TRAIN

VALIDATION = "validation"
"""Pictures that are held out where no others are, and learned from beside a test split."""

_SPLITS = {
    TRAIN: ("train", "training", "trn"),
    VALIDATION: ("val", "valid", "validation", "validate", "dev", "development"),
    TEST: ("test", "testing", "tst", "eval", "evaluation", "heldout"),
    QUERY: ("query", "queries", "probe"),
    GALLERY: ("gallery", "index", "reference"),
}
_SPLIT_OF = {word: split for split, words in _SPLITS.items() for word in words}


def split_of_word(word: str) -> str:
    """Return the split that a word names, VALIDATION among them; "" where it names none."""
    return _SPLIT_OF.get(re.sub(r"[\W_]+", "", word).casefold(), "")


def split_in_name(name: str) -> str:
    """Return the split that one of the words of a name says, such as "train" in "train_labels"; "" where none does.

    A name that says several, such as "trainval" or "train_test", says none.
    """
    words = re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).casefold())
    splits = {split_of_word(word) for word in words} - {""}
    return splits.pop() if len(splits) == 1 else ""
