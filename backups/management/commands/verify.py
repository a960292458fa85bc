"""`manage.py verify [FOLDER]`: check the files of the site, or of a backup, against its database."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backups.errors import BackupError
from backups.services.checking import check_backup
from backups.services.site import check_site


class Command(BaseCommand):
    """List missing and changed files; exit code 1 if there is one."""

    help = "Check every file against its checksum in the database, or in the list of a backup."
    requires_system_checks: list[str] = []  # they fail after a restore that was cut short

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, nargs="?", help="folder of a backup (default: the site itself)")

    def handle(self, *args: Any, **options: Any) -> None:
        folder, count = options["folder"], 0
        try:
            faults = check_backup(folder)[1] if folder else check_site()
            for fault in faults:
                self.stdout.write(fault)
                count += 1
        except BackupError as error:
            raise CommandError(str(error)) from error
        what = f"the backup in {folder}" if folder else "the site"
        if count:
            raise CommandError(f"{what} has {count} faults")
        self.stdout.write(f"No fault in {what}.")
