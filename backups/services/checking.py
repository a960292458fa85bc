"""Whether a backup is whole: every file that its list holds, byte for byte, and nothing else."""

from collections.abc import Callable, Iterator
from pathlib import Path

from backups.errors import BackupError, explained
from backups.services.files import Copied, Walked, content_of, order_of, walk
from backups.services.manifest import OWN, Manifest, read_list, read_manifest


def check_backup(folder: Path) -> tuple[Manifest, Iterator[str]]:
    """Return the manifest of a backup and, as they are found, a line for each fault; none says that it is whole.

    Raises:
        BackupError: there is no backup, it was cut short, or its manifest or list is damaged.
    """
    folder = folder.absolute().resolve()
    with explained(f"the backup in {folder} cannot be read"):
        manifest = opened(folder)
        return manifest, _faults(folder, manifest)


def opened(folder: Path) -> Manifest:
    """Return the manifest of a backup. Raises BackupError where there is none that is whole."""
    if not folder.is_dir():
        raise BackupError(f"{folder} is no backup: there is no such folder")
    return read_manifest(folder)


def _faults(folder: Path, manifest: Manifest) -> Iterator[str]:
    with explained(f"the backup in {folder} cannot be read"):
        yield from (f"{fault} (already when the backup was made)" for fault in manifest.faults)
        yield from compared(folder, manifest, lambda walked: content_of(walked.place))


def compared(folder: Path, manifest: Manifest, read: Callable[[Walked], Copied]) -> Iterator[str]:
    """Yield a fault for each file that is missing, changed, added or no plain file; `read` reads each of the others.

    List and folder come in the same order, so neither is held in memory.
    """
    walked = (present for present in walk(folder) if present.path not in OWN)
    present = next(walked, None)
    for path, listed in read_list(folder, manifest):
        while present is not None and order_of(present.path) < order_of(path):
            yield f"{present.path} was added to the backup"
            present = next(walked, None)
        if present is None or present.path != path:
            yield f"{path} is missing"
            continue
        fault = _fault_of(present, listed, read)
        if fault:
            yield fault
        present = next(walked, None)
    while present is not None:
        yield f"{present.path} was added to the backup"
        present = next(walked, None)


def _fault_of(present: Walked, listed: Copied, read: Callable[[Walked], Copied]) -> str:
    if not present.is_file:
        return f"{present.path} is a link or no file"
    size = present.place.stat().st_size
    if size != listed.bytes:
        return f"{present.path} has {size} bytes, not {listed.bytes}"
    return "" if read(present) == listed else f"{present.path} is damaged: its checksum differs"
