"""Run mlcore from the command line: `python -m mlcore --help`."""

import sys

from mlcore.cli import main

sys.exit(main())
