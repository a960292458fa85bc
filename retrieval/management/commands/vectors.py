"""`manage.py vectors move` and `manage.py vectors refill`: indexes between files and the vector store."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.errors import Rejected
from retrieval.errors import VectorsAway
from retrieval.registry.services.vector_moves import move, refill


class Command(BaseCommand):
    """Queue builds where VECTOR_STORE_URL says, or fill collections that were lost."""

    help = "Bring active indexes to where VECTOR_STORE_URL says, or fill collections again that the store has lost."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "action",
            choices=["move", "refill"],
            help="move: queue a build of each active index that is elsewhere; refill: make lost collections again",
        )
        parser.add_argument("--all", action="store_true", help="refill also what the store seems to hold")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["action"] == "move":
                count = move()
                self.stdout.write(f"{count:,} builds are queued. Searches use the present indexes until they are done.")
            else:
                count = refill(self.stdout.write, every=options["all"])
                self.stdout.write(f"{count:,} collections were made again.")
        except (VectorsAway, Rejected) as error:
            raise CommandError(str(error)) from error
