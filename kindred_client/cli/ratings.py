"""Commands for ratings: export, leaderboard."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from kindred_client.cli.measured import titles_of
from kindred_client.cli.names import Thing, dataset_of
from kindred_client.cli.output import NOTHING, as_json, percent, say, table
from kindred_client.cli.reporting import in_a_folder
from kindred_client.cli.session import Session, command

PARTS = {
    "ratings": "ratings.csv",
    "marks": "marks.csv",
    "all": "ratings.json",
    "qrels": "qrels.txt",
    "runs": "runs.zip",
}


@click.group()
def ratings() -> None:
    """Ratings of models: export."""


@command("export")
@click.option("--dataset", required=True, metavar="SLUG|NAME|ID")
@click.option(
    "--part",
    required=True,
    type=click.Choice(list(PARTS)),
    help="ratings: CSV of the blind ratings; marks: CSV of the marks; all: JSON of both; qrels, runs: TREC files.",
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="File or folder to save to.")
def export(session: Session, dataset: str, part: str, out: Path) -> None:
    """Save blind ratings, marks, or both, with pseudonyms; or TREC qrels and runs."""
    in_a_folder("--out", out)
    found = dataset_of(session.client, dataset)
    saved = session.client.ratings.export(found["id"], PARTS[part]).save(out)
    if session.as_json:
        return as_json({"dataset": found["id"], "part": part, "file": str(saved), "bytes": saved.stat().st_size})
    say(f"Saved {saved} ({saved.stat().st_size} bytes)")


@command("leaderboard")
@click.option("--dataset", metavar="SLUG", help="Slug of a data set; default: every one.")
@click.option("--protocol", default="default", metavar="NAME", help="Protocol; default: the one with the most rows.")
def leaderboard(session: Session, dataset: str | None, protocol: str) -> None:
    """List losses with metrics in percent, tested ranks and blind ratings; ● no significant difference to the best."""
    tables = session.client.ratings.leaderboard(dataset=dataset, protocol=protocol)
    if session.as_json:
        return as_json(tables)
    metrics = [dict(metric) for metric in session.client.metrics.list() if "leaderboard" in metric["shown"]]
    for section in tables["datasets"]:
        say(f"{section['name']}, protocol {section['protocol_label']}")
        charted = [metric for metric in metrics if metric["name"] in section["rows"][0]["metrics"]]
        columns = ["rank", "loss", *titles_of(charted), "seeds", "best", "rating", "people's rank", "not tested"]
        table([_row(dict(row), charted) for row in section["rows"]], columns)


def _row(row: Mapping[str, Any], metrics: Sequence[Thing]) -> dict[str, Any]:
    return {
        "rank": _range(row["rank_low"], row["rank_high"]) or f"({row['rank']})",
        "loss": row["model"],
        **{metric["title"]: _spread(row["metrics"][metric["name"]]) for metric in metrics},
        "seeds": len({one["seed"] for one in row["seeds"]}),
        "best": "●" if row["level_with_best"] else "",
        "rating": _rating(row),
        "people's rank": _range(row.get("human_rank_low"), row.get("human_rank_high")) or NOTHING,
        "not tested": row["not_tested"],
    }


def _range(low: int | None, high: int | None) -> str:
    """Return a range of ranks as 1–2; empty where there is none."""
    if low is None or high is None:
        return ""
    return str(low) if low == high else f"{low}–{high}"


def _rating(row: Mapping[str, Any]) -> str:
    if row["human_mean"] is None:
        return NOTHING
    interval = "" if row["human_low"] is None else f" ({row['human_low']:.2f}–{row['human_high']:.2f})"
    return f"{row['human_mean']:.2f}{interval}"


def _spread(figure: Mapping[str, Any]) -> str:
    spread = "" if figure["sd"] is None else f" ± {percent(figure['sd'])}"
    return percent(figure["value"]) + spread


ratings.add_command(export)
COMMANDS = (ratings, leaderboard)
