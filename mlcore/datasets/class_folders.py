"""Class folders: which folder names the class of its pictures, found from the folders' paths alone."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mlcore.datasets.layout_choices import Level
from mlcore.datasets.source import natural_key
from mlcore.datasets.split_folders import Half, Parts, are_flat_halves, below_half, find_halves, half_of
from mlcore.errors import DatasetError

NO_CLASS_FOLDER = "lies in no class folder"
_FIRST = 5  # classes of a level that a user sees to choose by
_STRAY_SHARE = 0.25  # of the pictures below a folder; more of its own are no strays, but of a class


@dataclass(frozen=True)
class FolderClass:
    """What a folder says about its pictures; half is None where no folder tells a split."""

    name: str
    half: Half | None


@dataclass(frozen=True)
class ClassFolders:
    """The folders that hold pictures: of a class, or left out with the reason.

    level: the folder that names the class, counted from 1 below the folders of the split and those that hold all
    others; levels: all that could. deeper: number of pictures that lie below their class folder.
    joined: names of classes whose folders came in several Unicode forms.
    """

    classes: Mapping[str, FolderClass]
    left_out: Mapping[str, str]
    level: int
    levels: tuple[Level, ...]
    deeper: int
    joined: tuple[str, ...]


@dataclass(frozen=True)
class _Split:
    """Folders with the part of their path that can name classes, and their half."""

    below: Mapping[str, Parts]
    halves: Mapping[str, Half | None]
    left_out: Mapping[str, str]


def arrange_folders(pictures: Mapping[str, int], level: int = 0, *, flat_halves: bool = False) -> ClassFolders:
    """Return what each folder says, by the number of pictures directly in it.

    level: of the folder that names the class; 0 finds it. flat_halves: whether folders that are named train, test
    and the like, without folders below them, are classes; they are refused otherwise.

    Raises:
        DatasetError: no folder lies as deep as `level`, or the folders are those of a split without class folders.
    """
    split = _split_off(pictures, flat_halves)
    left_out = dict(split.left_out)
    if not split.below:
        return ClassFolders({}, left_out, 1, (), 0, ())
    deepest = max(map(len, split.below.values()))
    if level > deepest:
        raise DatasetError(f"no class folder lies at level {level}; the deepest is level {deepest}")
    strays = _strays_between(split.below, pictures)
    number = level or _level_of_classes([parts for folder, parts in split.below.items() if folder not in strays])
    taken = {folder: parts for folder, parts in split.below.items() if len(parts) >= number}
    left_out |= dict.fromkeys(split.below.keys() - taken.keys(), NO_CLASS_FOLDER)
    names = _class_names({parts[:number] for parts in taken.values()})
    return ClassFolders(
        classes={folder: FolderClass(names[parts[:number]], split.halves[folder]) for folder, parts in taken.items()},
        left_out=left_out,
        level=number,
        levels=_levels(split.below.values(), deepest),
        deeper=sum(pictures[folder] for folder, parts in taken.items() if len(parts) > number),
        joined=_joined(taken, names, number),
    )


def _split_off(pictures: Mapping[str, int], flat_halves: bool) -> _Split:
    """Take the folders above the class folders off: those that hold all others, and those of a split."""
    paths = {folder: _parts(folder) for folder in pictures}
    top = _common_top(paths.values())
    inside = {folder: parts[len(top) :] for folder, parts in paths.items() if parts[: len(top)] == top}
    left_out = dict.fromkeys(paths.keys() - inside.keys(), NO_CLASS_FOLDER)
    if not flat_halves and are_flat_halves(inside.values()):
        firsts = ", ".join(f"{first}/" for first in sorted({parts[0] for parts in inside.values() if parts}))
        raise DatasetError(
            f"the pictures lie directly in the folders of a split ({firsts}); give each class a folder of its own "
            "below them, or say by a label file or a pattern of file names which picture is of which class"
        )
    found = find_halves(inside.values())
    below: dict[str, Parts] = {}
    halves: dict[str, Half | None] = {}
    for folder, parts in inside.items():
        if found and parts and parts[0] not in found:
            left_out[folder] = f"lies in {parts[0]}/, which is no part of the split"
            continue
        rest = below_half(parts) if found and parts else parts
        if rest:
            below[folder], halves[folder] = rest, found.get(parts[0])
        else:
            left_out[folder] = NO_CLASS_FOLDER
    return _Split(below, halves, left_out)


def _parts(folder: str) -> Parts:
    # Folders copied from a Mac may be decomposed; beside others they would be classes of their own.
    return tuple(unicodedata.normalize("NFC", folder).split("/")) if folder else ()


def _common_top(folders: Iterable[Parts]) -> Parts:
    """Return the folders that lie above every class folder."""
    paths = list(folders)
    top: Parts = ()
    while True:
        below = [parts[len(top) :] for parts in paths if parts[: len(top)] == top and len(parts) > len(top)]
        firsts = {parts[0] for parts in below}
        if len(firsts) != 1 or all(len(parts) < 2 for parts in below):
            return top
        top += (firsts.pop(),)


def _strays_between(below: Mapping[str, Parts], pictures: Mapping[str, int]) -> set[str]:
    """Return the folders that hold few pictures themselves, compared with the folders in them."""
    inner: Counter[Parts] = Counter()
    for folder, parts in below.items():
        for depth in range(1, len(parts)):
            inner[parts[:depth]] += pictures[folder]
    return {folder for folder, parts in below.items() if 0 < pictures[folder] <= _STRAY_SHARE * inner[parts]}


def _level_of_classes(folders: Sequence[Parts]) -> int:
    """Return the level of the deepest folders where all lie as deep and tell classes, else the first.

    Folders deeper than the class say something else where one name repeats below most others: day/ and night/,
    train/ and test/, images/.
    """
    depths = set(map(len, folders))
    if len(depths) != 1:
        return 1
    (level,) = depths
    while level > 1 and _repeat_below_others({parts[:level] for parts in folders}):
        level -= 1
    return level


def _repeat_below_others(folders: set[Parts]) -> bool:
    """Tell whether most of these folders have names that lie below several others."""
    names = Counter(parts[-1].casefold() for parts in folders)
    repeated = sum(count for count in names.values() if count > 1)
    return 2 * repeated >= len(folders) or all(half_of(name) for name in names)


def _levels(folders: Iterable[Parts], deepest: int) -> tuple[Level, ...]:
    """Return the levels that tell several classes; () where only one does."""
    paths = set(folders)
    levels = []
    for number in range(1, deepest + 1):
        names = sorted(
            _class_names({parts[:number] for parts in paths if len(parts) >= number}).values(), key=natural_key
        )
        if len(names) > 1:
            levels.append(Level(number, len(names), tuple(names[:_FIRST])))
    return tuple(levels) if len(levels) > 1 else ()


def _class_names(folders: set[Parts]) -> dict[Parts, str]:
    """Return the name of each class folder; where folders below several others share one, with their parents'."""
    counts = Counter(parts[-1] for parts in folders)
    return {
        parts: parts[-1] if counts[parts[-1]] == 1 else f"{parts[-1]} ({'/'.join(parts[:-1])})" for parts in folders
    }


def _joined(taken: Mapping[str, Parts], names: Mapping[Parts, str], level: int) -> tuple[str, ...]:
    """Return the classes whose folders differ in nothing but their Unicode form."""
    forms: dict[Parts, set[str]] = {}
    for folder, parts in taken.items():
        as_written = folder.split("/")
        own = as_written[len(as_written) - len(parts) + level - 1]
        forms.setdefault(parts[:level], set()).add(own)
    return tuple(sorted(names[parts] for parts, spellings in forms.items() if len(spellings) > 1))
