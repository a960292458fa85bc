"""What the site says about itself, and whether it is true."""

import re
from pathlib import Path

import pytest
from django.conf import settings as site_settings
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from config.release import VERSION
from config.theme import COOKIE
from retrieval.models import Dataset
from retrieval.pages.services import software
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
PAGES = ("/about/", "/privacy/", "/licences/")


@pytest.mark.parametrize("path", PAGES)
def test_visitors_read_it_from_every_page(client: Client, member_client: Client, path: str) -> None:
    assert client.get(path).status_code == member_client.get(path).status_code == 200
    assert f'<li><a href="{path}">' in client.get("/algorithms/").content.decode()
    assert client.post(path).status_code == 405


@pytest.mark.parametrize("path", [*PAGES, "/leaderboard/"])
def test_other_sites_show_a_card_of_a_link_to_it(client: Client, path: str) -> None:
    text = client.get(path).content.decode()
    card = dict(re.findall(r'<meta property="og:(\w+)" content="([^"]*)">', text))
    assert card["title"] and card["description"] and card["url"] == f"http://testserver{path}"


@pytest.mark.parametrize(
    ("contact", "link"),
    [
        ("ops@kindred.example", "mailto:ops@kindred.example"),
        ("https://kindred.example/help", "https://kindred.example/help"),
    ],
)
def test_the_contact_is_in_the_footer_and_on_the_pages(
    client: Client, settings: Settings, contact: str, link: str
) -> None:
    settings.CONTACT = contact
    assert f'<li><a href="{link}">Contact</a></li>' in client.get("/algorithms/").content.decode()
    for path in ("/about/", "/privacy/"):
        assert f'<a href="{link}">{contact}</a>' in client.get(path).content.decode()


def test_without_a_contact_no_link_leads_nowhere(client: Client, settings: Settings) -> None:
    settings.CONTACT = ""
    assert ">Contact</a>" not in client.get("/privacy/").content.decode()


def test_the_privacy_page_names_every_cookie(client: Client, member: User) -> None:
    client.post("/theme/", {"theme": "dark"})
    client.get("/accounts/login/")
    client.post("/accounts/login/", {"login": member.email, "password": PASSWORD})
    client.get("/me/")
    client.post("/me/", {"display_name": "Mia"})
    page = client.get("/privacy/").content.decode()
    listed = set(re.findall(r'<th scope="row"><code>(\w+)</code>', page))
    assert {site_settings.SESSION_COOKIE_NAME, site_settings.CSRF_COOKIE_NAME, COOKIE} <= set(client.cookies)
    assert set(client.cookies) <= listed


def test_it_says_how_long(client: Client, settings: Settings) -> None:
    settings.LEFTOVER_DAYS, settings.SESSION_COOKIE_AGE = 3, 5 * 24 * 3600
    page = client.get("/privacy/").content.decode()
    assert "uploads of failed jobs 3 days" in page and "5 days, or until you sign out" in page


@pytest.mark.parametrize(("fetches", "times"), [(True, 1), (False, 0)])
def test_it_speaks_of_fetched_pictures_where_there_are_any(
    client: Client, settings: Settings, fetches: bool, times: int
) -> None:
    settings.FETCH = fetches
    assert client.get("/privacy/").content.decode().count("the site fetches that picture") == times


def test_a_licence_is_shown_to_whoever_may_see_the_data_set(client: Client, curator_client: Client) -> None:
    for name, public in (("Open", True), ("Secret", False)):
        Dataset.objects.create(
            name=name, slug=name.lower(), licence=f"{name} licence", attribution="Mia", revision=1, public=public
        )
    visitors, curators = (who.get("/licences/").content.decode() for who in (client, curator_client))
    assert "Open licence" in visitors and "Secret" not in visitors
    assert "Open licence" in curators and "Secret licence" in curators


def test_the_packages_are_those_of_the_files(client: Client) -> None:
    required = re.findall(r"^([\w.-]+)", (Path(site_settings.BASE_DIR) / "requirements.txt").read_text(), re.MULTILINE)
    listed = {re.sub(r"[-_.]+", "-", package.name).lower() for package in software.python_packages()}
    assert listed <= {re.sub(r"[-_.]+", "-", name).lower() for name in required} and len(listed) > 30
    assert {"chart.js", "d3-zoom"} <= {package.name for package in software.browser_packages()}
    page = client.get("/licences/").content.decode()
    assert page.count('<th scope="row">') == len(software.python_packages()) + len(software.browser_packages())


def test_licences_come_from_the_packages() -> None:
    by_name = {package.name: package for package in software.python_packages() + software.browser_packages()}
    assert by_name["Django"].licence == "BSD-3-Clause" and by_name["Django"].url.startswith("https://")
    assert by_name["chart.js"].licence == "MIT" and by_name["d3-ease"].licence == "BSD-3-Clause"
    named = [package for package in by_name.values() if package.licence]
    assert len(named) > 0.9 * len(by_name)
    assert all("UNKNOWN" not in package.licence and "Copyright" not in package.licence for package in named)


def test_the_citation_is_an_entry_of_bibtex(client: Client) -> None:
    entry = software.citation("https://kindred.example/")
    assert entry.count("{") == entry.count("}") and f"version = {{{VERSION}}}" in entry
    page = client.get("/about/").content.decode()
    assert "url     = {http://testserver/}" in page and VERSION in page
