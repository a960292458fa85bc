"""Whether the site's database and files agree: no restore was cut short, and every needed file is as its row says."""

from collections.abc import Iterator
from pathlib import Path

from backups.errors import explained
from backups.services.files import content_of, write_synced
from config import places
from retrieval.pages.services.storage.moving import faults_of, stored_keys
from retrieval.pages.services.storage.needed import NeededFile, is_still_needed, needed_files, place_of
from storage.store import store


def check_site() -> Iterator[str]:
    """Yield a line for each file that is missing or changed, as it is found; the site may run meanwhile.

    Raises:
        BackupError: the database or a folder cannot be read.
    """
    if unfinished := unfinished_restore():
        yield unfinished
    with explained("the site cannot be checked"):
        if store().is_shared:
            yield from faults_of(store(), stored_keys(store()))
            return
        for file in needed_files():
            fault = _fault_of(file)
            if fault and is_still_needed(file):  # a job may have deleted both meanwhile
                yield f"{file.path} of {file.row[0].lower()} {file.row[1]} {fault}"


def _fault_of(file: NeededFile) -> str:
    place = place_of(file.path)
    try:
        if file.path.endswith("/"):
            return "" if any(place.iterdir()) else "is empty"
        if place.is_symlink() or place.is_dir():
            return "is a link or no file"
        return _difference(place, file)
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read: {error.strerror}"


def _difference(place: Path, file: NeededFile) -> str:
    size = place.stat().st_size
    if file.bytes is not None and size != file.bytes:
        return f"has {size} bytes, not {file.bytes}"
    if file.sha256 and content_of(place).sha256 != file.sha256:
        return "is damaged: its checksum differs"
    return ""


def _marker() -> Path:
    return places.var() / "restore-unfinished"


def mark_unfinished(backup: Path) -> None:
    """Note that database and files may be of different times from now on."""
    write_synced(_marker(), f"{backup}\n".encode())


def mark_finished() -> None:
    """Take the note away."""
    _marker().unlink(missing_ok=True)


def unfinished_restore() -> str:
    """Return a sentence on the restore that was cut short; empty when there was none."""
    marker = _marker()
    if not marker.exists():
        return ""
    return f"the restore of {marker.read_text().strip()} was cut short; run it again with --force"
