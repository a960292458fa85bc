"""Every page, on a phone and on a desk, by day and by night: it fits, it is accessible, nothing complains.

KINDRED_SCREENSHOTS names a folder that gets a picture of each (`make screenshots`).
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.e2e.conftest import Site, watched
from tests.e2e.pages import PAGES, VISITORS_PAGES
from tests.e2e.people import faults_of, sign_in

pytestmark = pytest.mark.e2e
SCREENSHOTS = os.environ.get("KINDRED_SCREENSHOTS")


@pytest.fixture(scope="module")
def places(browser: Browser, site: Site) -> dict[str, str]:
    """Return the addresses that only what somebody did has: a search, a reason, their shared links, a vote."""
    page = watched(browser.new_context())
    sign_in(page, site, "admin")
    page.locator("[data-quick-pick]").first.click()
    page.wait_for_url("**/searches/*/")
    search, why = page.url, page.locator(".answer-why a").first.get_attribute("href")
    page.get_by_role("button", name="Share").click()
    shared = page.input_value("#share-url")
    page.goto(shared)
    shared_why = page.locator(".answer-why a").first.get_attribute("href")
    page.goto(f"{site.address}/rate/")
    for column in page.locator("[data-column]").all():
        column.locator("label").nth(3).click()
    page.click("button[data-vote]")
    page.wait_for_url("**/rate/*/")
    rated = page.url
    page.context.close()
    return {name: place.removeprefix(site.address) for name, place in locals().items() if isinstance(place, str)}


@pytest.fixture(scope="module", params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module", params=[360, 1440])
def width(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(scope="module")
def eyes(browser: Browser, width: int, scheme: str) -> Iterator[BrowserContext]:
    size = {"width": width, "height": 800}
    opened = browser.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    yield opened
    opened.close()


def faults_at(page: Page, address: str, name: str) -> list[str]:
    answer = page.goto(address)
    if answer is None or not answer.ok:
        return [f"{address} answers {answer and answer.status}"]
    page.complaints.clear()  # type: ignore[attr-defined]
    page.wait_for_load_state("networkidle")
    if SCREENSHOTS:
        page.screenshot(path=Path(SCREENSHOTS) / f"{name}.png", full_page=True)
    return faults_of(page)


def test_every_page_fits_and_is_accessible(
    eyes: BrowserContext, site: Site, places: dict[str, str], width: int, scheme: str
) -> None:
    page, faults = watched(eyes), []
    for name, path in VISITORS_PAGES.items():
        address = site.address + path.format(**places)
        faults += faults_at(page, address, f"visitor-{name}-{width}-{scheme}")
    sign_in(page, site, "admin")
    for name, path in PAGES.items():
        faults += faults_at(page, site.address + path.format(**places), f"{name}-{width}-{scheme}")
    assert faults == []
