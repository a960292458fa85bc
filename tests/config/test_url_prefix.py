"""The site below a path of its host."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import get_script_prefix, set_script_prefix
from pytest_django import Settings

from accounts.models import User
from config.wsgi import below
from tests.config.test_settings import python
from tests.conftest import signed_in

pytestmark = pytest.mark.django_db


SERVED = """
import io

from config.wsgi import application
from django.templatetags.static import static

statuses = []
for path in ("/kindred/static/kindred/site.css", "/static/kindred/site.css"):
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "SERVER_NAME": "localhost", "SERVER_PORT": "80"}
    environ |= {"wsgi.input": io.BytesIO(), "wsgi.url_scheme": "http", "HTTP_HOST": "localhost"}
    application(environ, lambda status, headers: statuses.append(status))
print(static("kindred/site.css"), *statuses)
"""


@pytest.fixture
def prefixed(settings: Settings) -> Iterator[None]:
    before = get_script_prefix()
    settings.FORCE_SCRIPT_NAME = "/kindred"
    set_script_prefix("/kindred/")  # as the handler of a server does; the test's client does not
    yield
    set_script_prefix(before)


def test_every_link_of_a_page_stays_below_it(prefixed: None, curator: User) -> None:
    client = signed_in(curator)
    for path in ("/", "/leaderboard/", "/lab/", "/me/tokens/", "/accounts/logout/", "/nothing-here/"):
        page = client.get(path).content.decode()
        links = re.findall(r'(?:href|src|action|hx-get|hx-post)="(/(?!static/)[^"]*)"', page)  # see SERVED
        assert links and all(link.startswith("/kindred/") for link in links), (path, links)


def test_redirects_and_problems_stay_below_it(prefixed: None, client: Client) -> None:
    assert client.get("/me/tokens/")["Location"].startswith("/kindred/accounts/login/?next=/kindred/me/tokens/")
    assert client.get("/api/v1/jobs/").json()["type"] == "/kindred/api/problems/unauthenticated"


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/kindred/me/", "/me/"), ("/kindred", "/"), ("/kindred/", "/"), ("/me/", "/me/"),
        ("/kindredness/", "/kindredness/"),
    ],
)  # fmt: skip
def test_the_proxy_may_cut_it_off_or_not(path: str, seen: str) -> None:
    def site(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        return [environ["PATH_INFO"].encode()]

    assert below("/kindred", site)({"PATH_INFO": path}, None) == [seen.encode()]


def test_the_prefix_is_a_setting_and_static_files_are_below_it(tmp_path: Path) -> None:
    served = python(tmp_path, "-c", SERVED, KINDRED_URL_PREFIX="kindred/").stdout.strip()
    assert served == "/kindred/static/kindred/site.css 200 OK 200 OK"
    done = python(tmp_path, "manage.py", "check", KINDRED_URL_PREFIX="a b")
    assert done.returncode != 0 and "KINDRED_URL_PREFIX" in done.stderr
