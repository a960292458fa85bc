"""What must hold after a load: nothing that the site accepted is lost, doubled or changed."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.load.events import Events
from benchmarks.load.judging import Journal, Promised
from benchmarks.load.site import LoadSite
from benchmarks.measuring import ROOT

MOST_TOLD = 20  # broken promises of a kind that are listed
SWAPS = 5
TABLES = {"searches": "retrieval.search", "marks": "retrieval.mark", "ballots": "ratings.ballot"}


def broken(site: LoadSite, journal: Journal, events: Events) -> list[str]:
    """Return a sentence for each invariant that does not hold. The clients have ended, and so have all jobs."""
    left = site.wait_for_jobs()
    now = read_stored(site.environment)
    faults = [f"job {job['id']} ({job['kind']}) is still {job['state']}" for job in left]
    for check in (broken_searches(now, journal), broken_marks(now, journal), broken_ballots(now, journal)):
        faults += list(check)[:MOST_TOLD]
    faults += list(broken_jobs(now))
    if events.swaps < SWAPS:
        faults.append(f"{events.swaps} of {SWAPS} index swaps took place")
    faults += [f"{name} ended by itself; see its log" for name in site.stack.dead()]
    faults += list(_verified(site))
    faults += list(_verified(site, events.backup))
    faults += list(broken_backup(events, journal))[:MOST_TOLD]
    return faults


def read_stored(environment: Mapping[str, str]) -> dict[str, Any]:
    """Return what the site has stored, read by a process of its own."""
    command = [sys.executable, "-m", "benchmarks.load.stored"]
    ended = subprocess.run(command, cwd=ROOT, env=dict(environment), capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise SystemExit(f"what is stored cannot be read:\n{ended.stderr}")
    document: dict[str, Any] = json.loads(ended.stdout)
    return document


def broken_searches(now: Mapping[str, Any], journal: Journal) -> Iterator[str]:
    """Yield searches that were answered and are not stored as they were answered, and those that nobody was told of."""
    for key, search in journal.searches.items():
        row = now["searches"].get(key)
        if row is None or row["who"] != search.who:
            yield f"search {key} of {search.who} was answered and is not stored"
            continue
        models = Counter(ranking["model"] for ranking in row["rankings"].values())
        if models != Counter(search.value["models"]):
            yield f"search {key} has rankings of models {dict(models)}, not of {search.value['models']}"
        for ranking, scores in search.value["results"].items():
            kept = row["rankings"].get(str(ranking), {}).get("scores")
            if kept != {str(image): score for image, score in scores.items()}:
                yield f"search {key}: ranking {ranking} is stored as {kept}, {scores} were answered"
    for key in now["searches"].keys() - journal.searches.keys():
        yield f"search {key} of {now['searches'][key]['who']} is stored and was not answered"


def broken_marks(now: Mapping[str, Any], journal: Journal) -> Iterator[str]:
    """Yield marks that are not stored once with their last value."""
    rows = Counter((who, ranking, image) for who, ranking, image, _ in now["marks"])
    values = {(who, ranking, image): value for who, ranking, image, value in now["marks"]}
    for key, mark in journal.marks.items():
        if rows[key] != 1 or values[key] != mark.value:
            yield f"mark {key}: {rows[key]} rows, value {values.get(key)}, not {mark.value}"
    for key in values.keys() - journal.marks.keys():
        yield f"mark {key} is stored and was not accepted"


def broken_ballots(now: Mapping[str, Any], journal: Journal) -> Iterator[str]:
    """Yield ballots that are not stored with the ratings that were sent."""
    for key, ballot in journal.ballots.items():
        row = now["ballots"].get(key)
        if row is None or row["who"] != ballot.who or not row["rated"]:
            yield f"ballot {key} of {ballot.who} was accepted and is not stored as rated"
        elif row["ratings"] != {str(column): value for column, value in ballot.value.items()}:
            yield f"ballot {key}: ratings {row['ratings']} are stored, {ballot.value} were sent"
    for key, row in now["ballots"].items():
        if row["rated"] and key not in journal.ballots:
            yield f"ballot {key} of {row['who']} is rated and was not accepted"


def broken_jobs(now: Mapping[str, Any]) -> Iterator[str]:
    """Yield jobs that did not succeed."""
    for job in now["jobs"]:
        if job["state"] != "succeeded":
            yield f"job {job['pk']} ({job['kind']}) {job['state']}: {job['error']}"


def broken_backup(events: Events, journal: Journal) -> Iterator[str]:
    """Yield what was accepted before the backup began and is not in it."""
    backups = [event for event in events.happened if event.what == "backup"]
    if not backups:
        yield "no backup was made"
        return
    kept = {part: rows_of_backup(events.backup, table) for part, table in TABLES.items()}
    before = [("searches", key) for key in _until(journal.searches, backups[0].began)]
    before += [("ballots", key) for key in _until(journal.ballots, backups[0].began)]
    for part, key in before:
        if key not in {row["id"] for row in kept[part]}:
            yield f"{key} of {part} was accepted before the backup and is not in it"
    marks = {(row["ranking_id"], row["image_id"]) for row in kept["marks"]}
    for _, ranking, image in _until(journal.marks, backups[0].began):
        if (ranking, image) not in marks:
            yield f"the mark on image {image} of ranking {ranking} was accepted before the backup and is not in it"


def _until(promised: Mapping[Any, Promised], at: float) -> list[Any]:
    return [key for key, one in promised.items() if one.at < at]


def rows_of_backup(folder: Path, table: str) -> list[dict[str, Any]]:
    """Return the rows of a table in a backup."""
    tables = json.loads((folder / "manifest.json").read_text())["tables"]
    (columns,) = (one["columns"] for one in tables if one["model"] == table)
    lines = (folder / "database" / f"{table}.jsonl").read_text().splitlines()
    return [dict(zip(columns, json.loads(line), strict=True)) for line in lines]


def _verified(site: LoadSite, *folder: Path) -> Iterator[str]:
    try:
        site.manage("verify", *map(str, folder))
    except SystemExit as error:
        yield str(error)
