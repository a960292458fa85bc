import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from backups.errors import BackupError
from backups.services.manifest import FORMAT, _seal
from backups.services.restoring import restore
from tests.backups.sites import media, put, run


def one(backup: Path, pattern: str) -> Path:
    return sorted(backup.glob(pattern))[0]


def flip(place: Path, at: int = 3) -> None:
    data = bytearray(place.read_bytes())
    data[at] ^= 1
    place.write_bytes(data)


def resealed(backup: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the manifest as somebody would who knows how it is sealed."""
    value = json.loads((backup / "manifest.json").read_text())
    value.pop("seal")
    value["list_sha256"] = hashlib.sha256((backup / "files.jsonl").read_bytes()).hexdigest()
    change(value)
    (backup / "manifest.json").write_text(json.dumps({**value, "seal": _seal(value)}))


def add_entry(backup: Path, path: str) -> None:
    entry = json.dumps({"path": path, "bytes": 4, "sha256": hashlib.sha256(b"data").hexdigest()})
    lines = [*(backup / "files.jsonl").read_text().splitlines(), entry]
    (backup / "files.jsonl").write_text("\n".join(sorted(lines, key=lambda line: json.loads(line)["path"])) + "\n")
    resealed(backup, lambda value: None)


def shorten(backup: Path) -> None:
    place = one(backup, "media/uploads/*")
    place.write_bytes(place.read_bytes()[:-1])


def replace_by_link(backup: Path) -> None:
    place = one(backup, "media/uploads/*")
    outside = put(backup.parent / "outside", place.read_bytes())
    place.unlink()
    place.symlink_to(outside)


def link_folder(backup: Path) -> None:
    (backup / "media").rename(backup.parent / "moved")
    (backup / "media").symlink_to(backup.parent / "moved")


def clear(backup: Path) -> None:
    for place in backup.glob("*.json*"):
        place.unlink()


DAMAGE: dict[str, Callable[[Path], object]] = {
    "a shorter file": shorten,
    "a flipped byte of a picture": lambda backup: flip(one(backup, "media/datasets/*/images/a/*")),
    "a flipped byte of a table": lambda backup: flip(one(backup, "database/accounts.user.jsonl")),
    "a flipped byte of the list": lambda backup: flip(backup / "files.jsonl", 40),
    "a flipped byte of the manifest": lambda backup: flip(backup / "manifest.json", 40),
    "half a manifest": lambda backup: (backup / "manifest.json").write_text("{"),
    "a missing picture": lambda backup: one(backup, "media/datasets/*/images/a/*").unlink(),
    "a missing table": lambda backup: one(backup, "database/accounts.user.jsonl").unlink(),
    "a missing list": lambda backup: (backup / "files.jsonl").unlink(),
    "a missing manifest": lambda backup: (backup / "manifest.json").unlink(),
    "a file added": lambda backup: put(backup / "media" / "uploads" / "more"),
    "a file added first": lambda backup: put(backup / "a"),
    "a file added last": lambda backup: put(backup / "zzz"),
    "a link added": lambda backup: (backup / "weights" / "link").symlink_to("/etc/passwd"),
    "a link in place of a file": replace_by_link,
    "a link in place of a folder": link_folder,
    "a folder in place of a file": lambda backup: (shorten(backup), one(backup, "media/uploads/*").unlink(),
                                                   put(backup / "media/uploads/waiting.zip/x")),
    "a path that leaves": lambda backup: (put(backup.parent / "evil"), add_entry(backup, "media/../../evil")),
    "an absolute path": lambda backup: add_entry(backup, "/etc/passwd"),
    "a path elsewhere": lambda backup: (put(backup / "static/x"), add_entry(backup, "static/x")),
    "a file listed twice": lambda backup: add_entry(backup, "weights/small.safetensors"),
    "a higher format": lambda backup: resealed(backup, lambda value: value.update(format=FORMAT + 1)),
    "a format of words": lambda backup: resealed(backup, lambda value: value.update(format="new")),
    "a manifest without tables": lambda backup: resealed(backup, lambda value: value.pop("tables")),
    "a table of other fields": lambda backup: resealed(backup, lambda value: value.update(tables=[{"name": "x"}])),
    "another program's manifest": lambda backup: (backup / "manifest.json").write_text('{"name": "theirs"}'),
    "a list for a manifest": lambda backup: (backup / "manifest.json").write_text("[]"),
    "another folder": clear,
    "no folder": lambda backup: backup.rename(backup.parent / "elsewhere"),
}  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_backup_is_told_and_not_restored(damage: Callable[[Path], object], small_backup: Path) -> None:
    damage(small_backup)
    with pytest.raises(CommandError):
        run("verify", small_backup)
    with pytest.raises(BackupError) as refused:
        restore(small_backup, force=True)
    assert str(small_backup) in str(refused.value)
    assert not media(".restore").exists() and not media("uploads").exists()


def test_every_fault_of_a_backup_is_listed(small_backup: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shorten(small_backup)
    put(small_backup / "zzz")
    one(small_backup, "media/datasets/*/images/a/*").unlink()
    with pytest.raises(CommandError, match="3 faults"):
        call_command("verify", small_backup)
    assert len(capsys.readouterr().out.splitlines()) == 3
