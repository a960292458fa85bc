"""`make load` at a tiny size: a real site under clients and events; and what it would notice."""

import json
import os
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.load import invariants, reporting
from benchmarks.load.judging import Busy, Journal, Unsuccessful
from benchmarks.load.mix import BROWSER, MIX, PROGRAM
from benchmarks.load.visiting import Page

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 900  # of the whole run, on a busy machine

FIGURES: dict[str, Any] = {
    "clients": 2,
    "seconds": 10.0,
    "services": "embedded",
    "site": "48 pictures",
    "requests": {"API: mark": {"count": 3, "failures": 0, "busy": 1, "p50_ms": 1200, "p95_ms": 1300, "p99_ms": None}},
    "all": {"count": 3, "failures": 0, "busy": 1, "p50_ms": 1200, "p95_ms": 1300, "p99_ms": None},
    "requests_per_second": 0.3,
    "stored": {"searches": 1, "marks": 1, "ballots": 1},
    "events": [{"what": "backup", "began": 1.0, "ended": 3.0}],
    "machine": {"processor": "a processor", "cores": 2, "load": [1.0, 1.0, 1.0]},
    "memory_mib": {"web": {"start": 100.0, "most": 120.0, "end": 110.0}},
    "failures": [],
    "date": "2026-05-04",
}
ADA, BEN = "ada@example.org", "ben@example.org"
STORED: dict[str, Any] = {
    "searches": {"s1": {"who": ADA, "rankings": {"7": {"model": 3, "scores": {"1": 0.5, "2": 0.25}}}}},
    "marks": [[ADA, 7, 1, 2]],
    "ballots": {"b1": {"who": ADA, "rated": True, "ratings": {"8": 4}}, "b2": {"who": BEN, "rated": False}},
    "jobs": [{"pk": 1, "kind": "index", "state": "succeeded", "attempt": 2, "error": ""}],
}


@pytest.mark.queue
def test_a_short_load_loses_nothing(tmp_path: Path) -> None:
    file, page = tmp_path / "figures.json", tmp_path / "page.md"
    page.write_text(f"# Load\n\n{reporting.BEGIN}{reporting.END}\n")
    command = [sys.executable, "-m", "benchmarks.load", "--quick", "--clients", "4", "--seconds", "10"]
    command += ["--json", str(file), "--page", str(page)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=SECONDS)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    figures = json.loads(file.read_text())
    assert figures["failures"] == figures["broken"] == [] and figures["all"]["failures"] == 0
    assert len(figures["events"]) == 6 and figures["stored"]["searches"] > 0
    assert {"browser: result page", "browser: picture"} <= figures["requests"].keys()
    assert "| all |" in page.read_text()


def told() -> Journal:
    """Return a journal of which everything is in STORED."""
    journal = Journal()
    journal.keep_search("s1", ADA, {"models": [3], "results": {7: {1: 0.5, 2: 0.25}}})
    journal.keep_mark(ADA, 7, 1, 0)
    journal.keep_mark(ADA, 7, 1, 2)
    journal.keep_ballot("b1", ADA, {8: 4})
    return journal


def broken(now: dict[str, Any]) -> list[str]:
    journal = told()
    checks = (invariants.broken_searches, invariants.broken_marks, invariants.broken_ballots)
    return [sentence for check in checks for sentence in check(now, journal)] + [*invariants.broken_jobs(now)]


def test_what_is_stored_as_it_was_accepted_breaks_nothing() -> None:
    assert broken(STORED) == []


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("searches",), {}, "was answered and is not stored"),
        (("searches", "s1", "who"), BEN, "was answered and is not stored"),
        (("searches", "s1", "rankings"), {}, "has rankings of models {}"),
        (("searches", "s1", "rankings", "9"), {"model": 3, "scores": {}}, "has rankings of models {3: 2}"),
        (("searches", "s1", "rankings", "7", "scores"), {"1": 0.5}, "ranking 7 is stored as {'1': 0.5}"),
        (("searches", "s2"), {"who": BEN, "rankings": {}}, "was not answered"),
        (("marks",), [], "0 rows"),
        (("marks",), [[ADA, 7, 1, 0]], "not 2"),
        (("marks",), [[ADA, 7, 1, 2], [BEN, 7, 1, 2]], "was not accepted"),
        (("ballots",), {}, "is not stored as rated"),
        (("ballots", "b1", "ratings"), {"8": 5}, "ratings {'8': 5} are stored"),
        (("ballots", "b2", "rated"), True, "was not accepted"),
        (("jobs", 0, "state"), "failed", "job 1 (index) failed"),
    ],
)
def test_whatever_was_lost_doubled_or_changed_is_named(path: tuple[Any, ...], value: Any, said: str) -> None:
    now = deepcopy(STORED)
    place: Any = now
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert any(said in sentence for sentence in broken(now))


def answer(status: int, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, headers=named, text="why", request=httpx.Request("GET", "http://site/x"))


def test_a_503_is_true_only_if_it_says_when_to_come_again() -> None:
    journal = Journal()
    journal.judge("page", answer(200), (200,), 5.0)
    with pytest.raises(Busy) as busy:
        journal.judge("page", answer(503, Retry_After="3"), (200,), 5.0)
    assert busy.value.seconds == 3
    for failure in (answer(503), answer(503, Retry_After="0"), answer(429, Retry_After="3"), answer(500)):
        with pytest.raises(Unsuccessful) as raised:
            journal.judge("page", failure, (200,), 5.0)
        assert not isinstance(raised.value, Busy)
    tally = journal.tally("page")
    assert (tally.count, tally.busy, tally.failures) == (6, 1, 4)
    assert [kept["status"] for kept in journal.failures] == [503, 503, 429, 500]


def test_a_search_that_two_clients_are_told_of_is_a_failure() -> None:
    journal = told()
    with pytest.raises(Unsuccessful):
        journal.keep_search("s1", BEN, {"models": [], "results": {}})


def test_a_page_has_what_a_browser_would_load_and_send() -> None:
    page = Page("""<link rel="stylesheet" href="/s.css"><img src="data:x"><img src="/p/1"><a href="/there/">x</a>
      <form action="/rate/"><input type="hidden" name="ballot" value="b"><input type="radio" name="rating-7" value="1">
      <input type="checkbox" name="models" value="1" checked><input type="checkbox" name="models" value="2">
      <input type="file" name="picture"><button name="image" value="5">x</button></form><input name="outside">""")
    assert (page.files, page.pictures, page.links) == (["/s.css"], ["/p/1"], ["/there/"])
    (form,) = page.forms_to("/rate")
    assert form.data(k="3") == {"ballot": ["b"], "models": ["1"], "k": "3"}
    assert (form.radios, form.buttons) == ({"rating-7"}, [("image", "5")])


def test_figures_are_written_between_the_marks_alone() -> None:
    page = f"before\n{reporting.BEGIN}old\n{reporting.END}\nafter\n"
    written = reporting.with_figures(page, FIGURES)
    assert written.startswith("before\n") and written.endswith("\nafter\n") and "old" not in written
    assert "| API: mark | 3 | 0 | 1 | 1,200 | 1,300 |  |" in written and "| web | 100 | 120 | 110 |" in written
    assert reporting.with_figures(written, FIGURES) == written
    with pytest.raises(ValueError, match="no part between"):
        reporting.with_figures("before", FIGURES)


def test_the_page_of_deployment_has_the_marks() -> None:
    assert reporting.BEGIN in reporting.with_figures((ROOT / "docs/deploy.md").read_text(), FIGURES)


def test_failures_and_broken_promises_are_printed() -> None:
    failed = {**FIGURES, "failures": [{"kind": "page", "request": "GET /", "status": 500, "body": "a traceback"}]}
    said = reporting.text(failed, ["search 1 is lost"])
    assert "FAILED page: GET /: 500\na traceback" in said and "BROKEN search 1 is lost" in said


def test_both_kinds_of_clients_search_mark_and_rate() -> None:
    for client in (BROWSER, PROGRAM):
        deeds = {share.do.__name__ for share in MIX if share.client == client}
        assert {"search_by_upload", "mark", "rate"} <= deeds
