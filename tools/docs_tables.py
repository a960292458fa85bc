"""Write the tables of documents that come from code: python -m tools.docs_tables."""

from pathlib import Path

from config.metrics import METRICS
from mlcore.datasets.reader_table import known_readers

ROOT = Path(__file__).resolve().parents[1]
DATASETS = ROOT / "docs" / "datasets.md"
DEPLOY = ROOT / "docs" / "deploy.md"


def with_tables(text: str) -> str:
    """Return docs/datasets.md with the tables of readers as they are now."""
    readers = known_readers()
    layouts = [
        [reader.title, reader.recognised_by, reader.also_needed, reader.training, reader.held_out] for reader in readers
    ]
    text = with_table(text, ["data set", "recognised by", "also needed", "training", "held out"], layouts)
    licences = [[reader.title, reader.licence] for reader in readers if reader.licence]
    return with_table(text, ["data set", "licence"], licences)


def with_metrics(text: str) -> str:
    """Return docs/deploy.md with the table of metrics as it is now."""
    rows = [
        [f"`{metric.name}`", metric.kind, ", ".join(f"`{label}`" for label in metric.labels) or "none", metric.meaning]
        for metric in METRICS.values()
    ]
    return with_table(text, ["metric", "type", "labels", "meaning"], rows)


def with_table(text: str, head: list[str], rows: list[list[str]]) -> str:
    """Return a document with the rows below a table's head exchanged.

    Raises: ValueError when there is no such head.
    """
    lines = text.splitlines()
    first = lines.index(_row(head)) + 2  # below it stands |---|
    last = next((number for number in range(first, len(lines)) if not lines[number].startswith("|")), len(lines))
    lines[first:last] = map(_row, rows)
    return "\n".join(lines) + "\n"


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    DATASETS.write_text(with_tables(DATASETS.read_text()))
    DEPLOY.write_text(with_metrics(DEPLOY.read_text()))
