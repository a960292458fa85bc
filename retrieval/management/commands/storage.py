"""`manage.py storage move TO`: copy all files of the site to another storage."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from retrieval.pages.services.storage.moving import move
from storage.copies import all_kept
from storage.errors import StorageAway
from storage.store import store, store_at

FOLDER = "folder"


class Command(BaseCommand):
    """Copy, read what was copied, and say what to set next."""

    help = "Copy all files between the folder of this machine and an object storage."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=["move"], help="move: copy, then read what was copied")
        parser.add_argument("to", help=f"URL as STORAGE_URL takes it, or {FOLDER!r} for the folder of this machine")

    def handle(self, *args: Any, **options: Any) -> None:
        url = "" if options["to"] == FOLDER else options["to"]
        if url == settings.STORAGE_URL:
            raise CommandError("the site's files are there already: STORAGE_URL names it")
        if url and settings.STORAGE_URL:
            raise CommandError(f"move to {FOLDER!r} first, then on from there")
        try:
            target = store_at(url)
            with all_kept():
                moved = move(store(), target, self.stdout.write)
        except (StorageAway, ValueError) as error:
            raise CommandError(str(error)) from error
        for fault in moved.faults:
            self.stderr.write(f"warning: {fault}")
        if moved.faults:
            raise CommandError(f"{len(moved.faults):,} files are not there; run it again, or see docs/storage.md")
        self.stdout.write(
            f"All files are there. Set STORAGE_URL={url or '(nothing)'} for every process, and start them."
        )
