"""The theme is stored in a cookie, so the first byte of a page has it."""

import re

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from config.error_pages import server_error
from config.theme import COOKIE, SECONDS, THEMES

pytestmark = pytest.mark.django_db
PAGE = "http://testserver/algorithms/?family=proxy"


def media(page: str) -> str:
    found = re.search(r'data-dark media="([^"]+)"', page)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    ("theme", "root", "scheme", "dark"),
    [
        ("system", "", "light dark", "(prefers-color-scheme: dark)"),
        ("light", ' data-theme="light"', "light", "not all"),
        ("dark", ' data-theme="dark"', "dark", "all"),
    ],
)
def test_a_page_wears_the_chosen_theme(client: Client, theme: str, root: str, scheme: str, dark: str) -> None:
    assert client.post(reverse("theme"), {"theme": theme}).status_code == 302
    page = client.get("/algorithms/").content.decode()
    assert f'<html lang="en"{root}>' in page and f'name="color-scheme" content="{scheme}"' in page
    assert media(page) == dark
    assert f'value="{theme}" aria-label="Theme: {THEMES[theme]}" aria-pressed="true"' in page
    assert page.count('aria-pressed="true"') == 1


def test_a_page_of_a_fault_wears_it_too(client: Client) -> None:
    client.cookies[COOKIE] = "dark"
    request = client.get("/algorithms/").wsgi_request
    assert media(server_error(request).content.decode()) == "all"  # type: ignore[attr-defined]


def test_the_cookie_stays_a_year_and_goes_nowhere_else(client: Client) -> None:
    cookie = client.post(reverse("theme"), {"theme": "dark"}).cookies[COOKIE]
    assert (cookie.value, cookie["max-age"], cookie["samesite"]) == ("dark", SECONDS, "Lax")
    assert cookie["httponly"] and cookie["path"] == settings.SESSION_COOKIE_PATH


@pytest.mark.parametrize(
    ("before", "back"),
    [
        (PAGE, PAGE.removeprefix("http://testserver")),
        ("", "/"),
        ("https://evil.example/", "/"),
        ("javascript:alert(1)", "/"),
    ],
)
def test_one_is_back_on_the_page(client: Client, before: str, back: str) -> None:
    answer = client.post(reverse("theme"), {"theme": "dark"}, headers={"Referer": before})
    assert answer["Location"] == back


def test_a_script_gets_no_page(client: Client) -> None:
    answer = client.post(reverse("theme"), {"theme": "light"}, headers={"Accept": "application/json"})
    assert answer.status_code == 204 and answer.cookies[COOKIE].value == "light"


def test_another_theme_or_method_changes_nothing(client: Client) -> None:
    for answer in (client.post(reverse("theme"), {"theme": "pink"}), client.get(reverse("theme"))):
        assert answer.status_code in (400, 405) and COOKIE not in answer.cookies


def test_a_forged_cookie_is_ignored(client: Client) -> None:
    client.cookies[COOKIE] = '"><script>'
    page = client.get("/algorithms/").content.decode()
    assert '<html lang="en">' in page


def test_it_asks_for_the_token_of_forms() -> None:
    assert Client(enforce_csrf_checks=True).post(reverse("theme"), {"theme": "dark"}).status_code == 403
