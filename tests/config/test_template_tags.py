"""Moments and names as pages write them."""

import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from config.template_tags import isolate, when

TEMPLATES = Path(__file__).parents[2] / "templates"
NAMES = re.compile(
    r"\{\{ *(?:[a-z_]+\.)*(?:class_name|model_name|protocol_name|(?:dataset|model|experiment|search)\.name) *\}\}"
)


def test_a_moment_is_written_in_utc_with_what_a_program_reads() -> None:
    tokyo = timezone(timedelta(hours=9))
    assert when(datetime(2026, 11, 29, 8, 22, 5, 999, tzinfo=tokyo)) == (
        '<time datetime="2026-11-28T23:22:05+00:00" data-when="minute">28 Nov 2026, 23:22 UTC</time>'
    )
    assert ">28 Nov 2026, 23:22:05 UTC<" in when(datetime(2026, 11, 28, 23, 22, 5, tzinfo=UTC), "second")
    assert ">28 Nov 2026<" in when(datetime(2026, 11, 28, 23, 22, 5, tzinfo=UTC), "day")


def test_no_moment_is_no_text() -> None:
    assert when(None) == ""


def test_a_name_within_isolates_keeps_its_direction_to_itself() -> None:
    assert isolate("فراشة") == "\u2068فراشة\u2069"


@pytest.mark.parametrize("template", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.name)
def test_names_that_people_chose_are_isolated(template: Path) -> None:
    """A name in right-to-left script must not turn around the figures beside it."""
    text = template.read_text()
    bare = [found[0] for found in NAMES.finditer(text) if not _stands_alone(text, found)]
    assert bare == [], "write <bdi>{{ name }}</bdi>, and {{ name|isolate }} in an attribute or title"


def _stands_alone(text: str, found: re.Match[str]) -> bool:
    return text[: found.start()].endswith(("<bdi>", 'value="'))
