"""`manage.py restore FOLDER`: restore the site from a backup."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backups.errors import BackupError
from backups.services.restoring import restore


class Command(BaseCommand):
    """Verify a backup, then replace the site with it."""

    help = "Replace the database and the files with a backup. Stop the site and its workers first."
    requires_system_checks: list[str] = []  # they fail after a restore that was cut short

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="folder of a backup")
        parser.add_argument("--force", action="store_true", help="replace the existing data of the site")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            backup, notes = restore(options["folder"], force=options["force"], say=self.stdout.write)
        except BackupError as error:
            raise CommandError(str(error)) from error
        for note in notes:
            self.stderr.write(f"warning: {note}")
        self.stdout.write(
            f"Restored {backup.rows:,} rows and {backup.files:,} files as of {backup.created_at}. "
            "Start the site. Everybody must sign in again."
        )
