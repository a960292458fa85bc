"""What a backup says of itself: the manifest, written last, which seals the list of files, which seals the files.

manifest.json   format, time, migrations, tables, and the checksum of files.jsonl; its own seal at the end
files.jsonl     path, bytes and sha256 of every other file, by path
database/       a file a table
media/, weights/, secret_key
"""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from backups.errors import BackupError
from backups.services.files import Copied, content_of, order_of, private_text, write_synced
from backups.services.tables import Table

PROGRAM, FORMAT = "kindred backup", 1
MANIFEST, FILES, UNFINISHED, LEDGER = "manifest.json", "files.jsonl", "unfinished", ".ledger"
SECRET = "secret_key"  # noqa: S105  # the name of a file
OWN = frozenset({MANIFEST, FILES, UNFINISHED, LEDGER})
"""Files of a backup that its list does not hold."""

TOPS = frozenset({"database", "media", "weights"})
MOST_BYTES = 64 << 20  # of a manifest that is read into memory; one of a large site has some 50 KB
SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Manifest:
    """A whole backup.

    secret: a fingerprint of the SECRET_KEY that its second factors are encrypted under. faults: what was missing or
    damaged on the site already. list_sha256: of files.jsonl. files, bytes: of all that the list holds.
    """

    created_at: str
    database: str
    migrations: list[tuple[str, str]]
    tables: list[Table]
    files: int
    bytes: int
    list_sha256: str
    secret: str
    faults: list[str]

    @property
    def rows(self) -> int:
        """Of all tables together."""
        return sum(table.rows for table in self.tables)

    def write(self, folder: Path) -> None:
        """Write manifest.json: from that moment on the backup is whole."""
        value = {"program": PROGRAM, "format": FORMAT, **asdict(self)}
        write_synced(folder / MANIFEST, json.dumps({**value, "seal": _seal(value)}, indent=1).encode() + b"\n")


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a whole backup.

    Raises:
        BackupError: there is no backup, it was cut short, is damaged, or of a newer format.
    """
    place = folder / MANIFEST
    if not place.is_file() or place.is_symlink():
        if (folder / UNFINISHED).exists():
            raise BackupError(f"the backup in {folder} was cut short: it is not whole. Run backup again")
        raise BackupError(f"{folder} is no backup of Kindred: it has no {MANIFEST}")
    value = _read_json(place)
    if not isinstance(value, dict) or value.get("program") != PROGRAM:
        raise BackupError(f"{folder} is no backup of Kindred: its {MANIFEST} is of another program")
    if type(value.get("format")) is not int or not 1 <= value["format"] <= FORMAT:
        newer = f"the backup in {folder} has format {value.get('format')!r}, and this version reads up to {FORMAT}"
        raise BackupError(f"{newer}; update the code, then try again")
    if value.pop("seal", None) != _seal(value):
        raise BackupError(f"{place} is damaged: its checksum differs. Take another backup")
    try:
        tables = [Table(**table) for table in value["tables"]]
        migrations = [(str(app), str(name)) for app, name in value["migrations"]]
        fields = {name: value[name] for name in Manifest.__dataclass_fields__}
    except (KeyError, TypeError, ValueError) as error:
        raise BackupError(f"{place} is damaged: {error!r}. Take another backup") from error
    return Manifest(**fields | {"migrations": migrations, "tables": tables})


def _read_json(place: Path) -> Any:
    if place.stat().st_size > MOST_BYTES:
        raise BackupError(f"{place} is larger than {MOST_BYTES >> 20} MB, which no manifest is")
    try:
        return json.loads(place.read_bytes())
    except (ValueError, RecursionError) as error:
        raise BackupError(f"{place} is damaged: {error}. Take another backup") from error


def _seal(value: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def write_list(folder: Path, files: Iterator[tuple[str, Copied]]) -> tuple[int, int, str]:
    """Write files.jsonl; return how many files and bytes it holds, and its checksum."""
    count, size = 0, 0
    with private_text(folder / FILES) as lines:
        for path, copied in files:
            lines.write(json.dumps({"path": path, "bytes": copied.bytes, "sha256": copied.sha256}) + "\n")
            count, size = count + 1, size + copied.bytes
    return count, size, content_of(folder / FILES).sha256


def read_list(folder: Path, manifest: Manifest) -> Iterator[tuple[str, Copied]]:
    """Yield what files.jsonl holds, after proving it to be the one of the manifest.

    Raises:
        BackupError: it is missing, damaged, not in order, or a path leaves the backup.
    """
    place, before = folder / FILES, b""
    if not place.is_file() or place.is_symlink() or content_of(place).sha256 != manifest.list_sha256:
        raise BackupError(f"{place} is missing or damaged: its checksum differs. Take another backup")
    with place.open(encoding="ascii") as lines:
        for line in lines:
            path, copied = _entry(line, place)
            if order_of(path) <= before:
                raise BackupError(f"{place} is damaged: {path!r} is not in order. Take another backup")
            before = order_of(path)
            yield path, copied


def _entry(line: str, place: Path) -> tuple[str, Copied]:
    try:
        value = json.loads(line)
        path, copied = str(value["path"]), Copied(int(value["bytes"]), str(value["sha256"]))
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise BackupError(f"{place} is damaged: {error}. Take another backup") from error
    pure = PurePosixPath(path)
    inside = path == SECRET or (len(pure.parts) > 1 and pure.parts[0] in TOPS and ".." not in pure.parts)
    if not inside or str(pure) != path or not SHA256.fullmatch(copied.sha256):
        raise BackupError(f"{place} has an entry {path[:200]!r} that no backup has. Do not use this folder")
    return path, copied
