"""Moments and names as pages write them."""

import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from config.template_tags import isolate, when, when_text

TEMPLATES = Path(__file__).parents[2] / "templates"
VARIABLE = re.compile(r"\{\{ *([a-z_0-9.]+)((?:\|[^}]*?)?) *\}\}")
NAMING = re.compile(r"(?:.+\.)?(?:[a-z_]*name|title|better|best|class|first|second|found_as)$")
"""Variables that hold what something is called."""
# fmt: off
OWN = frozenset({
    "attrs.name", "attrs.title", "check.name", "field.name", "figure.title", "file.name", "form.losses.html_name",
    "group.title", "job.title", "kind.title", "loss.title", "meaning.title", "metric.title", "moment.title",
    "other.title", "package.name", "parameter.name", "part.kind.title", "preview.title", "problem.title",
    "quota.name", "reader.title", "region.name", "setting.name", "setting.title", "side.takes.name", "table.title",
})
# fmt: on
"""Names that the site itself gave: of its fields, metrics, losses, kinds of jobs, files and packages."""
OWN_IN = {
    "_copy_text.html": {"name", "title"},
    "_errors.html": {"name"},
    "_undo_offer.html": {"name"},
    "problems.html": {"name"},
    "list.html": {"title"},
    "refused.html": {"title"},
    "_ballot_query.html": {"title"},
    "_board_panel.html": {"title"},
    "_dataset_filter.html": {"title"},
    "_estimate.html": {"title"},
    "_explanation_side.html": {"name"},
    "_lab_filter.html": {"title"},
    "lab_datasets.html": {"title"},
    "_details.html": {"name"},
    "_drift.html": {"one.first", "title"},
    "_leaderboard_metrics.html": {"best.title", "one.title"},
    "data.html": {"sections"},
    "_model_figures.html": {"row.name", "entry.title"},
    "_model_training.html": {"title"},
    "_packages.html": {"title"},
    "_run_log.html": {"title", "row.warnings"},
    "_runs.html": {"title"},
    "_tunings.html": {"row.title", "row.best"},
    "algorithm.html": {"title"},
    "algorithms.html": {"row.title"},
    "compare.html": {"row.name"},
    "downloads.html": {"part.name"},
    "experiment_form.html": {"row.title"},
    "model.html": {"name"},
    "overview.html": {"name", "queue.name"},
    "model_form.html": {"title"},
    "report.html": {"found.best", "found.name", "name", "report.hardware", "table.name"},
    "run.html": {"title"},
    "storage.html": {"title"},
}
"""The same where a variable of that name holds people's names on another page."""


def test_a_moment_is_written_in_utc_with_what_a_program_reads() -> None:
    tokyo = timezone(timedelta(hours=9))
    assert when(datetime(2026, 11, 29, 8, 22, 5, 999, tzinfo=tokyo)) == (
        '<time datetime="2026-11-28T23:22:05+00:00" data-when="minute">28 Nov 2026, 23:22 UTC</time>'
    )
    assert ">28 Nov 2026, 23:22:05 UTC<" in when(datetime(2026, 11, 28, 23, 22, 5, tzinfo=UTC), "second")
    assert ">28 Nov 2026<" in when(datetime(2026, 11, 28, 23, 22, 5, tzinfo=UTC), "day")


def test_a_moment_in_an_attribute_says_its_time_zone() -> None:
    moment = datetime(2026, 11, 29, 8, 22, 5, tzinfo=timezone(timedelta(hours=9)))
    assert when_text(moment) == "28 Nov 2026, 23:22 UTC" and when_text(moment, "second").endswith(":22:05 UTC")


def test_no_page_writes_a_moment_without_its_time_zone() -> None:
    """Django's own filters write the server's time and do not say so."""
    pages = [path for path in TEMPLATES.rglob("*.html") if re.search(r"\|(?:date|time)\b", path.read_text())]
    assert pages == []


def test_no_moment_is_no_text() -> None:
    assert when(None) == ""


def test_a_name_within_isolates_keeps_its_direction_to_itself() -> None:
    assert isolate("فراشة") == "\u2068فراشة\u2069"


@pytest.mark.parametrize("template", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.name)
def test_names_that_people_chose_are_isolated(template: Path) -> None:
    """A name in right-to-left script must not turn around the figures beside it."""
    bare = bare_names(template.read_text(), OWN | OWN_IN.get(template.name, set()))
    assert bare == [], "write <bdi>{{ name }}</bdi>, and {{ name|isolate }} in an attribute or title"


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("<b>{{ dataset.name }}</b>", ["dataset.name"]),
        ("1. {{ row.name }}, {{ title }}", ["row.name", "title"]),
        ("<th>{{ entry.class }}</th> {{ agreement.better|lower }}", ["entry.class", "agreement.better"]),
        ("{{ classes|slice:':2'|join:', ' }}", ["classes"]),
        ('<bdi>{{ row.name }}</bdi> <i title="{{ title|isolate }}"></i>{{ classes|isolated_list }}', []),
        ('<input value="{{ row.name }}"> {{ setting.title }} <a href="?class={{ row.name|urlencode }}">', []),
    ],
)
def test_a_bare_name_is_found(text: str, bare: list[str]) -> None:
    assert bare_names(text, OWN) == bare


def bare_names(text: str, own: Collection[str]) -> list[str]:
    """Return the variables of a template that hold people's names without isolating them."""
    return [
        found[1]
        for found in VARIABLE.finditer(text)
        if found[1] not in own and _is_name(found) and not _stands_alone(text, found)
    ]


def _is_name(found: re.Match[str]) -> bool:
    filters = found[2].replace(" ", "").split("|")
    if any(name in filters for name in ("isolate", "isolated_list", "urlencode", "length", "field_title")):
        return False
    return NAMING.match(found[1]) is not None or "|join:" in found[2]


def _stands_alone(text: str, found: re.Match[str]) -> bool:
    return text[: found.start()].endswith(("<bdi>", 'value="'))
