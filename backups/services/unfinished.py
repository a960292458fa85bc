"""The marker of a restore that has begun to replace the site; a backup and a check read it too."""

from pathlib import Path

from django.conf import settings

from backups.services.files import write_synced


def _marker() -> Path:
    return Path(settings.VAR_DIR) / "restore-unfinished"


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
