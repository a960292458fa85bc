"""What doctor says where the site does not even start: its settings are refused, or a folder cannot be used."""

import os
import sys

import django
from django.core.exceptions import ImproperlyConfigured

from operations.services.doctor.findings import Check, Finding, Result, failure
from operations.services.doctor.masking import brief
from operations.services.doctor.showing import as_json, as_text

CHECK = Check("settings", "settings", lambda: iter(()))
LEFT = "Doctor looked at nothing else, since the site cannot start."


def exit_unless_started(arguments: list[str]) -> None:
    """Load the site, as every command does; where that fails, print the finding and end the process with 1."""
    try:
        django.setup()
    except Exception as error:  # noqa: BLE001  # the one edge: a sentence instead of a traceback
        result = Result(CHECK, (_fault_of_start(error),))
        sys.stdout.write(as_json([result]) if "--json" in arguments else f"{as_text([result])}\n{LEFT}\n")
        sys.exit(1)


def _fault_of_start(error: Exception) -> Finding:
    cause = error.__cause__ if isinstance(error, ValueError) else None  # of logging: the error beneath says why
    told = f"{brief(error)}: {brief(cause)}" if cause else brief(error)
    if isinstance(error, ImproperlyConfigured | ValueError):
        return failure(f"The settings are refused: {told}.", "Correct the variable; docs/settings.md lists them all.")
    if isinstance(error, OSError):
        where = os.environ.get("KINDRED_VAR", "var")
        do = f"Let the user of this process own the folder: `chown -R USER {where}`. Or run doctor as its owner."
        return failure(f"A folder of the site cannot be used: {told}.", do)
    if isinstance(error, ImportError):
        return failure(f"A package cannot be loaded: {told}.", "Run `pip install -r requirements.txt`.")
    return failure(f"The site does not start: {type(error).__name__}: {told}.", "Run `python manage.py check`.")
