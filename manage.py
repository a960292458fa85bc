#!/usr/bin/env python
"""Django's command line for Kindred."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if sys.argv[1:2] == ["doctor"]:  # says in a sentence why the site does not start; other commands show a traceback
        from operations.services.doctor.start import exit_unless_started

        exit_unless_started(sys.argv[2:])
    execute_from_command_line(sys.argv)
