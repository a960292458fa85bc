"""The split that a word in a table or the name of a file states."""

import re

from mlcore.datasets.source import GALLERY, QUERY
from mlcore.datasets.split_folders import Half, half_of

VALIDATION: str = Half.VALIDATION
"""Pictures that are held out where no others are, and learned from beside a test split."""

_HELD_OUT = {"query": QUERY, "queries": QUERY, "probe": QUERY, "gallery": GALLERY}


def split_in_name(name: str) -> str:
    """Return the split that one of the words of a name says, such as "train" in "trainLabels"; VALIDATION is one.

    "" is a name that says none, or several.
    """
    words = re.sub(r"([a-z])([A-Z])", r"\1 \2", name)
    half = half_of(words)
    if half is not Half.TEST:
        return half or ""
    return next((_HELD_OUT[word] for word in re.findall("[a-z]+", words.casefold()) if word in _HELD_OUT), half)
