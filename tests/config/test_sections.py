"""The navigation marks the section of every page."""

import re

import pytest
from django.test import Client
from django.urls import resolve

from config.sections import section_of
from tests.e2e.pages import PAGES

OUTSIDE = {"about", "privacy", "licences", "try"}
EXAMPLES = {
    "search": "search", "search-detail": "search", "explanation": "search", "searches-saved": "searches",
    "rated": "rate", "class": "datasets", "dataset-map": "datasets", "algorithm": "algorithms", "job": "lab",
    "jobs": "lab", "people": "lab", "dataset-labels": "lab", "model": "lab", "tokens": "account",
    "my-ratings": "account", "usersessions_list": "account", "account_email": "account", "account": "account",
}  # fmt: skip
UUID = "00000000-0000-4000-8000-000000000000"
NEEDED = {
    "search": f"/searches/{UUID}/",
    "result": f"/searches/{UUID}/results/1/1/",
    "batch": "/searches/batch/",
    "tried": "/try/1/",
    "explanation": f"/searches/{UUID}/explanation/1/1/",
    "rated": f"/rate/{UUID}/",
}


def path_of(name: str) -> str:
    return PAGES[name].format(**NEEDED, preview="/lab/import/1/").partition("?")[0]


@pytest.mark.parametrize("name", PAGES)
def test_every_page_has_a_section(name: str) -> None:
    section = section_of(resolve(path_of(name)).route)
    assert section == EXAMPLES.get(name, section)
    assert bool(section) == (name not in OUTSIDE)


def marked(page: str) -> list[tuple[str, str]]:
    header = page[: page.index("</header>")]
    return re.findall(r'aria-current="(\w+)">([^<]+)</a>', header)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", [("page", "Search")]),
        ("/lab/", [("page", "Lab")]),
        ("/lab/jobs/", [("true", "Lab")]),
        ("/algorithms/triplet/", [("true", "Algorithms")]),
        ("/me/tokens/", [("true", "Account")]),
        ("/accounts/email/", [("true", "Account")]),
        ("/searches/saved/", [("true", "History")]),
        ("/about/", []),
    ],
)
def test_the_header_marks_it(admin_client: Client, path: str, expected: list[tuple[str, str]]) -> None:
    assert marked(admin_client.get(path).content.decode()) == expected


def test_a_visitor_has_the_sign_in_marked(client: Client, db: None) -> None:
    assert marked(client.get("/accounts/login/").content.decode()) == [("page", "Sign in")]
