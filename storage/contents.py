"""The list of a stored folder's files, each with its SHA-256. It is stored last: without it there is no folder."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlcore.artifacts import sha256_of_file
from storage.errors import StoredDamaged

FORMAT = 1


@dataclass(frozen=True)
class File:
    """A file of a folder: its SHA-256 and its bytes."""

    sha256: str
    bytes: int


@dataclass(frozen=True)
class Contents:
    """The files of a folder, by their path below it."""

    files: Mapping[str, File]

    @classmethod
    def of(cls, folder: Path) -> "Contents":
        """Return the contents of a folder; hidden files and folders are somebody's work in progress."""
        return cls(
            {
                file.relative_to(folder).as_posix(): File(sha256_of_file(file), file.stat().st_size)
                for file in visible_files(folder)
            }
        )

    def to_json(self) -> bytes:
        """Return the list as it is stored."""
        files = {path: {"sha256": file.sha256, "bytes": file.bytes} for path, file in sorted(self.files.items())}
        return json.dumps({"format": FORMAT, "files": files}, indent=1).encode()

    @classmethod
    def from_json(cls, data: bytes, key: str) -> "Contents":
        """Return a stored list.

        Raises:
            StoredDamaged: it is no such list, or of a later version.
        """
        try:
            stored = json.loads(data)
            if stored["format"] != FORMAT:
                raise StoredDamaged(f"the list of {key} has format {stored['format']}; this version reads {FORMAT}")
            files = {str(path): File(str(file["sha256"]), int(file["bytes"])) for path, file in stored["files"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StoredDamaged(f"the list of the files of {key} is damaged") from error
        if any(path.startswith("/") or ".." in path.split("/") for path in files):
            raise StoredDamaged(f"the list of the files of {key} leads out of its folder")
        return cls(files)


def visible_files(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder, in order, but hidden ones and those in hidden folders."""
    for child in sorted(folder.iterdir()):
        if child.name.startswith("."):
            continue
        if child.is_dir():
            yield from visible_files(child)
        elif child.is_file():
            yield child
