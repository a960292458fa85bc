"""`manage.py doctor`: look at the whole installation and say what is wrong and what to do."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from operations.services.doctor.findings import Level
from operations.services.doctor.running import run
from operations.services.doctor.showing import as_json, as_text, summary
from operations.services.doctor.table import CHECKS


class Command(BaseCommand):
    """Print what each check finds; exit code 1 if one of them fails."""

    help = "Check settings, services, versions, disk, permissions, clock, data and jobs. It changes nothing."
    requires_system_checks: list[str] = []  # they are among what it looks at

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--only", nargs="+", metavar="NAME", default=[], help="names of checks (default: all)")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            results = list(run(CHECKS, options["only"]))
        except ValueError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            as_json(results) if options["json"] else f"{as_text(results)}\n{summary(results)}\n", ending=""
        )
        if any(finding.level is Level.FAILURE for result in results for finding in result.findings):
            sys.exit(1)
