"""The folders of a split, such as train/ and test/, recognised by their names and by what lies below them."""

import re
from collections.abc import Iterable
from enum import StrEnum

Parts = tuple[str, ...]
"""The folders of a path, from the top."""


class Half(StrEnum):
    """What the pictures of a split's folder are for."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


_STEMS = {
    Half.TRAIN: ("train", "training", "learn", "learning"),
    Half.VALIDATION: ("val", "valid", "validate", "validation", "dev", "development"),
    Half.TEST: ("test", "testing", "eval", "evaluation", "holdout", "heldout", "query", "gallery", "probe"),
}
_FILLERS = (
    "set", "sets", "data", "dataset", "split", "folder", "dir", "class", "classes",
    "image", "images", "img", "imgs", "picture", "pictures", "photo", "photos", "jpg", "jpeg", "png",
)  # fmt: skip
_WORDS = {f"{stem}{filler}": half for half, stems in _STEMS.items() for stem in stems for filler in ("", *_FILLERS)}


def _words(name: str) -> list[str]:
    return re.findall("[a-z]+", re.sub("(held|hold)[ _-]out", r"\1out", name.casefold()))


def half_of(name: str) -> Half | None:
    """Return the half whose usual names a folder's name holds, such as seg_train; None for none or several."""
    halves = {_WORDS[word] for word in _words(name) if word in _WORDS}
    return halves.pop() if len(halves) == 1 else None


def is_plain(name: str) -> bool:
    """Tell whether a folder is named like a half and nothing else: Training, test_set, but not seg_train."""
    words = _words(name)
    return half_of(name) is not None and all(word in _WORDS or word in _FILLERS for word in words)


def below_half(parts: Parts) -> Parts:
    """Return the folders below a half's, without those that only wrap its class folders: train/train/, test/images/."""
    half, rest = parts[0], parts[1:]
    while rest and (_repeats(rest[0], half) or (len(rest) > 1 and _is_wrapper(rest[0]))):
        rest = rest[1:]
    return rest


def _repeats(name: str, half: str) -> bool:
    return name.casefold() in (half.casefold(), "images")


def _is_wrapper(name: str) -> bool:
    # With a digit, as in "class 1" and "set 2", it tells something.
    words = _words(name)
    return re.fullmatch(r"[a-z _-]+", name.casefold()) is not None and (
        is_plain(name) or all(word in _FILLERS for word in words)
    )


def find_halves(folders: Iterable[Parts]) -> dict[str, Half]:
    """Return the first folders that are halves of a split; {} where the first folders name classes.

    A half that holds no class folders counts only beside one that does. Folders beside the halves are left for the
    caller to leave out; where they look more like classes than the halves do, there are no halves.
    """
    classes: dict[str, set[str]] = {}
    for parts in folders:
        if parts:
            classes.setdefault(parts[0], set()).update(below_half(parts)[:1])
    halves = {name: half for name in classes if (half := half_of(name))}
    bearing = {name for name in halves if classes[name]}
    if bearing == classes.keys() and len(bearing) > 1 and all(map(is_plain, bearing)):
        return halves
    if not bearing or len(set(halves.values())) < 2:
        return {}
    others = classes.keys() - halves.keys()
    if any(classes[name] for name in others):  # plain names of both halves outweigh another folder of folders
        plain = {name: halves[name] for name in halves if is_plain(name)}
        return plain if len({plain[name] for name in plain.keys() & bearing}) > 1 else {}
    return halves if len(others) < len(set().union(*(classes[name] for name in bearing))) else {}


def are_flat_halves(folders: Iterable[Parts]) -> bool:
    """Tell whether the first folders are train, test and the like, with all the pictures directly in them."""
    paths = [parts for parts in folders if parts]
    firsts = {parts[0] for parts in paths}
    halves = {name for name in firsts if half_of(name)}
    plain = {half_of(name) for name in halves if is_plain(name)}
    if any(map(below_half, paths)) or len({half_of(name) for name in halves}) < 2:
        return False
    # Among many folders one may well be called test; hardly one train and another test.
    return bool(plain) if halves == firsts else len(plain) > 1 and 2 * len(halves) >= len(firsts)
