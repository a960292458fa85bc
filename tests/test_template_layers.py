"""Templates of an app use only those of the app itself and of the apps below it; those at the root are everybody's."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "templates"
APPS = ("accounts", "jobs", "retrieval", "ratings", "backups", "operations")
"""From below."""

FOLDERS = {"account": "accounts", "allauth": "accounts", "mfa": "accounts", "usersessions": "accounts"}
"""Folders of allauth's apps, whose templates are those of accounts."""

USE = re.compile(r"""\{%\s*(?:include|extends)\s+["']([^"']+)["']""")


def level(template: str) -> int:
    """Return the place of a template's app among the layers; -1 at the root and in `api`, which is config's."""
    folder = template.rpartition("/")[0].partition("/")[0]
    app = FOLDERS.get(folder, folder)
    return APPS.index(app) if app in APPS else -1


def uses(template: str, text: str) -> Iterator[str]:
    """Yield the templates of higher apps that a template includes or extends."""
    yield from (used for used in USE.findall(text) if level(used) > level(template))


TEMPLATES = sorted(str(path.relative_to(ROOT)) for path in ROOT.rglob("*.html"))


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_uses_none_of_an_app_above(template: str) -> None:
    assert not list(uses(template, (ROOT / template).read_text()))


def test_every_used_template_of_ours_is_there_and_named_in_quotes() -> None:
    for template in TEMPLATES:
        text = (ROOT / template).read_text()
        assert len(re.findall(r"\{%\s*(?:include|extends)\b", text)) == len(USE.findall(text)), template
        assert set(USE.findall(text)) <= set(TEMPLATES), template


@pytest.mark.parametrize(
    ("template", "text", "found"),
    [
        ("retrieval/a.html", '{% include "ratings/_b.html" %}', ["ratings/_b.html"]),
        ("account/a.html", '{% extends "retrieval/b.html" %}', ["retrieval/b.html"]),
        ("base.html", "{% include 'jobs/_b.html' with c=d %}", ["jobs/_b.html"]),
        ("ratings/a.html", '{% extends "base.html" %}{% include "retrieval/_b.html" %}', []),
        ("mfa/totp/a.html", '{% include "accounts/_b.html" %}', []),
    ],
)
def test_what_points_upwards_is_found(template: str, text: str, found: list[str]) -> None:
    assert list(uses(template, text)) == found
