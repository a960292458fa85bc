"""`manage.py backup FOLDER`: back up the whole site while it runs."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backups.errors import BackupError
from backups.services.backing_up import back_up


class Command(BaseCommand):
    """Write a backup and print its size."""

    help = "Back up the database, the files and the secret key to a new folder. The site may run."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="folder to write to: new, empty, or an interrupted backup")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            manifest = back_up(options["folder"], self.stdout.write)
        except BackupError as error:
            raise CommandError(str(error)) from error
        for fault in manifest.faults:
            self.stderr.write(f"warning: {fault}")
        self.stdout.write(
            f"Backed up {manifest.rows:,} rows and {manifest.files:,} files ({manifest.bytes / 2**20:,.1f} MB) "
            f"as of {manifest.created_at} to {options['folder']}."
        )
