"""Run mlcore from the command line: `python -m mlcore --help`."""

import os
import sys

from mlcore.cli import main

try:
    status = main()
    sys.stdout.flush()
except BrokenPipeError:  # who reads, `head` say, has enough; nothing is left to be written when Python ends
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    status = 141  # as a shell counts the signal
sys.exit(status)
