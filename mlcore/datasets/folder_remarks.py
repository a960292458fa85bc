"""Remarks on class folders: what was left out, what the names of folders leave open, and what was chosen."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from mlcore.datasets.class_folders import ClassFolders
from mlcore.datasets.source import natural_key
from mlcore.datasets.split_folders import is_plain

_NAMED = 3  # folders or classes named in a remark; the rest are counted


def remarks_on_folders(found: ClassFolders, pictures: Mapping[str, int], chosen_level: int = 0) -> tuple[str, ...]:
    """Return what to know about the classes, without a full stop each; `pictures`: number directly in each folder."""
    names = sorted({place.name for place in found.classes.values()}, key=natural_key)
    remarks = (
        _left_out(found.left_out, pictures),
        _shared_classes(found),
        _levels(found, chosen_level),
        _deeper(found),
        _named_like_halves(names),
        _joined(found.joined),
        _alike(names),
    )
    return tuple(remark for remark in remarks if remark)


def listed(names: Sequence[str]) -> str:
    """Return the first names, and the number of the others."""
    rest = len(names) - _NAMED
    return f"{', '.join(names[:_NAMED])} and {rest:,} more" if rest > 0 else ", ".join(names)


def _left_out(left_out: Mapping[str, str], pictures: Mapping[str, int]) -> str:
    total = sum(pictures[folder] for folder in left_out)
    if not total:
        return ""
    largest = sorted(left_out, key=lambda folder: (-pictures[folder], natural_key(folder)))
    where = listed([f"{pictures[folder]:,} in {folder or 'the top folder'}" for folder in largest])
    return f"{_pictures(total)} in no class folder {'was' if total == 1 else 'were'} left out: {where}"


def _shared_classes(found: ClassFolders) -> str:
    halves: dict[str, set[str]] = {}
    for place in found.classes.values():
        if place.half:
            halves.setdefault(place.name, set()).add(place.half)
    shared = sum(len(names) > 1 for names in halves.values())
    if not shared:
        return ""
    return (
        f"{shared:,} of {len(halves):,} classes lie in several folders of the split: that split is within classes and "
        "was not used. All pictures of a class are together, and the first half of the classes trains"
    )


def _levels(found: ClassFolders, chosen: int) -> str:
    if not found.levels or chosen:
        return ""
    ways = "; ".join(f"level {level.number}: {level.classes:,} ({', '.join(level.first)})" for level in found.levels)
    return f"folders lie in folders, and level {found.level} was taken for the classes. Another can be chosen: {ways}"


def _deeper(found: ClassFolders) -> str:
    if not found.deeper:
        return ""
    return f"{_pictures(found.deeper)} {'lies' if found.deeper == 1 else 'lie'} deeper than the class folder"


def _named_like_halves(names: Iterable[str]) -> str:
    halves = [name for name in names if is_plain(name)]
    if not halves:
        return ""
    return (
        f"a class is named like a part of a split ({listed(halves)}): if it is one, put class folders below train/ "
        "and test/"
    )


def _joined(names: Sequence[str]) -> str:
    if not names:
        return ""
    return f"folders whose names differ in their Unicode form only are one class: {listed(names)}"


def _alike(names: Sequence[str]) -> str:
    """Remark on classes that people may take for one; they stay apart, as a file system keeps them."""
    folded = {name: " ".join(name.casefold().split()) for name in names}
    counts = Counter(folded.values())
    alike = [repr(name) for name in names if counts[folded[name]] > 1]
    if not alike:
        return ""
    return f"classes whose names differ in case or spaces only stay apart: {listed(alike)}. Rename one to join them"


def _pictures(count: int) -> str:
    return "1 picture" if count == 1 else f"{count:,} pictures"
