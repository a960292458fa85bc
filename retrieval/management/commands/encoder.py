"""An encoder: it embeds pictures for the web hosts whose ENCODER_URL names it, as on a machine with a GPU."""

import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Embed pictures for other hosts until it is stopped. It needs the database and the storage.

    Only hosts with the same SECRET_KEY are answered. What they send is not encrypted: use a private network.
    """

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=settings.ENCODER_HOST, help="IP address to listen on (ENCODER_HOST)")
        parser.add_argument("--port", type=int, default=settings.ENCODER_PORT, help="port (ENCODER_PORT)")

    def handle(self, *args: Any, **options: Any) -> None:
        granian = str(Path(sys.executable).with_name("granian"))
        where = ["--host", options["host"], "--port", str(options["port"]), "--workers", "1"]
        logs = ["--log-config", str(settings.BASE_DIR / "config/granian_logs.json")]
        served = [*where, "--working-dir", str(settings.BASE_DIR), *logs, "config.encoder:application"]
        command = [granian, "--interface", "asginl", "--http", "1", "--no-ws", *served]
        os.execv(granian, command)  # noqa: S606  (its own arguments, and no shell)
