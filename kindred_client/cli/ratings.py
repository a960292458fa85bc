"""Commands for ratings: export, leaderboard, audit."""

from collections.abc import Callable, Mapping, Sequence
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


def of_tables(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command choose among the tables of the leaderboard."""
    protocol = click.option(
        "--protocol", default="default", metavar="NAME", help="Protocol; default: the one with the most rows."
    )
    dataset = click.option("--dataset", metavar="SLUG", help="Slug of a data set; default: every one.")
    return dataset(protocol(function))


@command("leaderboard")
@of_tables
def leaderboard(session: Session, dataset: str | None, protocol: str) -> None:
    """List losses with metrics in percent, tested ranks and blind ratings; ● no significant difference to the best."""
    tables = session.client.ratings.leaderboard(dataset=dataset, protocol=protocol)
    if session.as_json:
        return as_json(tables)
    metrics = [dict(metric) for metric in session.client.metrics.list() if "leaderboard" in metric["shown"]]
    for section in tables["datasets"]:
        say(f"{section['name']}, protocol {section['protocol_label']}")
        charted = [metric for metric in metrics if metric["name"] in section["rows"][0]["metrics"]]
        columns = ["rank", "loss", *titles_of(charted), "seeds", "best", "rating", "win rate"]
        columns += ["people's rank", "not tested"]
        table([_row(dict(row), charted) for row in section["rows"]], columns)
        say(_decided(section["enough"]))


@command("audit")
@of_tables
def audit(session: Session, dataset: str | None, protocol: str) -> None:
    """Show what could make blind ratings mislead: sampling, columns, single ballots, drift, models not shown."""
    audits = session.client.ratings.audit(dataset=dataset, protocol=protocol)
    if session.as_json:
        return as_json(audits)
    for section in audits["datasets"]:
        say(f"{section['name']}, protocol {section['protocol_label']}: {section['ballots']} rated ballots")
        table(
            [_sampled(dict(model)) for model in section["sampling"]["models"]],
            ["model", "ballots", "share", "expected"],
        )
        for line in (*_checks(dict(section)), *(f"Warning: {warning}" for warning in section["warnings"])):
            say(line)


def _sampled(model: Mapping[str, Any]) -> dict[str, Any]:
    expected = model["expected"]
    return {**model, "share": percent(model["share"]), "expected": NOTHING if expected is None else f"{expected:.1f}"}


def _checks(section: Mapping[str, Any]) -> list[str]:
    """Return a line for each check of an audit that has a result."""
    lines = []
    if bias := section["column_bias"]:
        columns = ", ".join(f"{one['column']}: {one['mean']:+.2f}{_ends(one)}" for one in bias["columns"])
        lines.append(f"Ratings by column, above the ballot's mean: {columns}")
    if removal := section["removal"]:
        shown = removal["ballots"], percent(removal["share"]), removal["after"], removal["winner"]
        lines.append("Without {} ballots ({} %) {} is first, not {}".format(*shown))
    for name, drift in (("mean rating", section["level_drift"]), ("lead", section["difference_drift"])):
        if drift and drift["change"] is not None:
            lines.append(f"Drift of the {name}, in points: {drift['change']:+.2f}{_ends(drift)}")
    lines += [
        f"{one['loss']}: {one['shown']} of {one['trained']} trained models shown, {one['rated']} rated"
        for one in section["variants"]
    ]
    return lines


def _ends(figure: Mapping[str, Any]) -> str:
    return "" if figure["low"] is None else f" ({figure['low']:+.2f} to {figure['high']:+.2f})"


def _decided(enough: Mapping[str, Any]) -> str:
    """Return whether the ratings decide between the best row and the others."""
    if not enough["pairs"]:
        return f"The ratings do not decide yet which model leads: {enough['no_interval_text']}."
    return "\n".join(
        f"By blind rating, {enough['best']} against {pair['model']}: {pair['text']}." for pair in enough["pairs"]
    )


def _row(row: Mapping[str, Any], metrics: Sequence[Thing]) -> dict[str, Any]:
    return {
        "rank": _range(row["rank_low"], row["rank_high"]) or f"({row['rank']})",
        "loss": row["model"],
        **{metric["title"]: _spread(row["metrics"][metric["name"]]) for metric in metrics},
        "seeds": len({one["seed"] for one in row["seeds"]}),
        "best": "●" if row["level_with_best"] else "",
        "rating": _rating(row),
        "win rate": _win_rate(row),
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


def _win_rate(row: Mapping[str, Any]) -> str:
    """Return how often people rate the row higher than an average other one, in percent."""
    if row["human_win_rate"] is None:
        return NOTHING
    if row["human_win_low"] is None:
        return percent(row["human_win_rate"])
    return f"{percent(row['human_win_rate'])} ({percent(row['human_win_low'])}–{percent(row['human_win_high'])})"


def _spread(figure: Mapping[str, Any]) -> str:
    spread = "" if figure["sd"] is None else f" ± {percent(figure['sd'])}"
    return percent(figure["value"]) + spread


ratings.add_command(export)
COMMANDS = (ratings, leaderboard, audit)
