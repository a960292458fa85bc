"""Valid paths of files in an upload: every file system and the import can handle them."""

import os
import unicodedata
from collections.abc import Iterable
from pathlib import Path, PureWindowsPath

from config.errors import Rejected
from mlcore.datasets.archive_formats import ARCHIVE_SUFFIXES
from mlcore.datasets.readers.folder import may_be_picture
from mlcore.datasets.system_files import is_system_file

_ARCHIVE = "archive"  # with one of these endings, which no picture has
MOST_PARTS = 6
MOST_NAME_BYTES = 255
SHOWN = 200  # characters of a path in a sentence
FIELD = "paths"  # of a request

Parts = tuple[str, ...]
Listing = dict[Path, dict[str, str]]
"""By folder, the names in it as case-insensitive systems know them, and as they are."""


def checked_path(path: str) -> Parts:
    """Return the parts of a path such as "class/picture.jpg".

    Raises:
        Rejected: it leaves the folder, is too deep, or names no picture.
    """
    parts = tuple(path.split("/"))
    if path.startswith("/") or PureWindowsPath(path).drive:
        why = "is absolute; paths begin with a class"
    elif "\\" in path:
        why = 'has a backslash; folders are divided by "/"'
    elif any(unicodedata.category(character) in ("Cc", "Cs") for character in path):
        why = "has control characters"
    elif not all(parts) or not {".", ".."}.isdisjoint(parts):
        why = 'has an empty part, "." or ".."'
    elif len(parts) > MOST_PARTS:
        why = f"is deeper than {MOST_PARTS} parts"
    elif any(len(part.encode()) > MOST_NAME_BYTES for part in parts):
        why = f"has a name of more than {MOST_NAME_BYTES} bytes"
    elif is_system_file(path):
        why = "is a hidden or system file; send pictures"
    elif not may_be_picture(path):
        why = "has no file extension of a picture"
    else:
        return parts
    raise Rejected(f"{path[:SHOWN]!r} {why}")


def archive_place(folder: Path, ending: str) -> Path:
    """Return where the archive of an upload lies; `ending` is one of ARCHIVE_SUFFIXES."""
    return folder / f"{_ARCHIVE}{ending}"


def archive_in(folder: Path) -> Path | None:
    """Return the archive that an upload holds in place of pictures; None where it holds pictures."""
    places = (archive_place(folder, ending) for ending in ARCHIVE_SUFFIXES)
    return next((place for place in places if place.is_file()), None)


def place_in(folder: Path, parts: Parts, listing: Listing) -> Path:
    """Return where a file of that path goes, and add it to the listing.

    Raises:
        Rejected: another is there that some systems could not tell from it, or a folder is, or a file where a
            folder should be.
    """
    place = folder
    for part in parts:
        if place not in listing:
            listing[place] = {folded(entry.name): entry.name for entry in entries_in(place)}
        existing = listing[place].setdefault(folded(part), part)
        if existing != part:
            raise Rejected(
                f"{_told(parts)} cannot lie beside {existing!r}: some systems cannot tell them apart", field=FIELD
            )
        place /= part
        if place.is_file() and place != folder.joinpath(*parts):
            raise Rejected(f"{_told(parts)} cannot be stored: {part!r} is a file", field=FIELD)
    if place.is_dir():
        raise Rejected(f"{_told(parts)} cannot be stored: it is a folder", field=FIELD)
    return place


def check_apart(paths: Iterable[Parts]) -> None:
    """Check that files which come together can lie together.

    Raises:
        Rejected: one comes twice, or lies where another's folder should be.
    """
    met: set[Parts] = set()
    for parts in paths:
        if parts in met:
            raise Rejected(f"{_told(parts)} comes twice", field=FIELD)
        met.add(parts)
    for parts in met:
        if any(parts[:depth] in met for depth in range(1, len(parts))):
            raise Rejected(f"{_told(parts)} cannot be stored: one of its folders comes as a file", field=FIELD)


def entries_in(folder: Path, first: str = "") -> list[os.DirEntry[str]]:
    """Return what a folder of an upload holds, but hidden things, in order from a name on; none while it is not there.

    An entry knows whether it is a folder, so that a large folder is listed without a look at each of its files.
    """
    try:
        with os.scandir(folder) as entries:
            visible = [entry for entry in entries if entry.name >= first and not entry.name.startswith(".")]
    except FileNotFoundError:
        return []
    return sorted(visible, key=lambda entry: entry.name)


def folded(name: str) -> str:
    """Return what a name is where upper and lower case are one, and accents are written in one way."""
    return unicodedata.normalize("NFC", name).casefold()


def _told(parts: Parts) -> str:
    return repr("/".join(parts)[:SHOWN])
