"""The `kindred` command: a site from a shell. See docs/client.md."""

import click

from kindred_client.cli import accounts, comparing, datasets, experiments, jobs, models, ratings, searching
from kindred_client.cli.exit_codes import Guarded
from kindred_client.transport import VERSION

__all__ = ["kindred", "main"]


@click.group(cls=Guarded, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="kindred")
def kindred() -> None:
    """Kindred from a shell: data sets, trainings, searches, ratings.

    Ends with 0 when all is well, 1 unexpected, 2 wrong usage, 3 refused by the server, 4 not signed in or not allowed,
    5 not found, 6 unreachable, 7 a job failed or was cancelled, 8 partly done, 130 interrupted.
    """


for _module in (accounts, datasets, comparing, experiments, models, searching, ratings, jobs):
    for _command in _module.COMMANDS:
        kindred.add_command(_command)


def main() -> None:
    """Run the command of this process."""
    kindred(prog_name="kindred")
