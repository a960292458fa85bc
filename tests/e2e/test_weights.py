"""How much a page transfers, without its pictures, to a browser that has nothing of it yet."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.conftest import Site, watched
from tests.e2e.people import sign_in

pytestmark = pytest.mark.e2e
KB = 1000
BOUNDS = {
    "welcome": ("/", 60),
    "search": ("/", 60),
    "results": ("", 75),
    "data set": ("/datasets/wings/", 60),
    "class": ("/datasets/wings/classes/0/", 55),
    "map": ("/datasets/wings/map/", 100),
    "leaderboard": ("/leaderboard/", 135),
    "algorithm": ("/algorithms/multi_similarity/", 60),
    "lab": ("/lab/", 60),
    "experiment": ("/lab/experiments/1/", 140),
}
"""The path and the most kB (1000 bytes) of each page. Chart.js has 71 kB, the map's part of d3 26."""

VISITORS = {"welcome"}


@pytest.fixture(scope="module")
def admin(browser: Browser, site: Site) -> Iterator[Page]:
    page = watched(browser.new_context())
    sign_in(page, site, "admin")
    yield page
    page.context.close()


@pytest.fixture(scope="module")
def results(admin: Page, site: Site) -> str:
    admin.goto(f"{site.address}/")
    admin.locator("[data-quick-pick]").first.click()
    admin.wait_for_url("**/searches/*/")
    return admin.url.removeprefix(site.address)


def transferred(page: Page, address: str) -> dict[str, int]:
    """Return the bytes that came for each file of a page but its pictures, heads of responses included."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    files: dict[str, Any] = {}
    session.on("Network.responseReceived", lambda event: files.update({event["requestId"]: event}))
    sizes: dict[str, int] = {}
    session.on("Network.loadingFinished", lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]}))
    page.goto(address)
    page.wait_for_load_state("networkidle")
    session.detach()
    ours = {key: event for key, event in files.items() if event["type"] != "Image"}
    return {event["response"]["url"]: round(sizes.get(key, 0)) for key, event in ours.items()}


@pytest.mark.parametrize("name", BOUNDS)
def test_a_page_is_light(browser: Browser, site: Site, admin: Page, results: str, name: str) -> None:
    path, most = BOUNDS[name]
    page = watched(browser.new_context()) if name in VISITORS else admin
    sizes = transferred(page, site.address + (path or results))
    assert 5 * KB < sum(sizes.values()) < most * KB, sizes


def test_files_have_the_hash_of_their_content_and_are_stored_for_good(admin: Page, site: Site) -> None:
    admin.goto(f"{site.address}/leaderboard/")
    links = admin.evaluate(
        "[...document.querySelectorAll('link[href*=static], script[src]')].map((x) => x.href || x.src)"
    )
    assert len(links) > 6
    for link in links:
        answer = admin.request.get(link, headers={"Accept-Encoding": "gzip"})
        assert answer.ok and "immutable" in answer.headers["cache-control"], link
        assert answer.headers["content-encoding"] == "gzip", link


def test_charts_are_loaded_where_there_are_charts_only(admin: Page, site: Site) -> None:
    charts = "document.querySelectorAll('script[src*=\"chart\"]').length"
    for path, count in (
        ("/", 0),
        ("/lab/", 0),
        ("/leaderboard/", 1),
        ("/lab/experiments/1/", 1),
        ("/datasets/wings/map/", 0),
    ):
        admin.goto(site.address + path)
        assert admin.evaluate(charts) == count, path


def test_the_map_has_the_parts_of_d3_that_it_needs(admin: Page, site: Site) -> None:
    admin.goto(f"{site.address}/datasets/wings/map/")
    parts = ("zoom", "zoomIdentity", "select", "quadtree", "transition")
    assert [part for part in parts if not admin.evaluate(f"Boolean(d3.{part})")] == []
    assert admin.complaints == []  # type: ignore[attr-defined]
