"""Every page, on a phone by night and on a desk by day: it fits, it is accessible, it stands still, nothing complains.

KINDRED_SCREENSHOTS names a folder that gets a picture of each, in all four looks (`make screenshots`).
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.conftest import Site, watched
from tests.e2e.pages import PAGES, VISITORS_PAGES
from tests.e2e.people import faults_of, share, sign_in

pytestmark = pytest.mark.e2e
MOST_SHIFT = 0.05
"""Of a page while it loads; from 0.1 on, people press what they did not mean (web.dev/cls)."""
WATCH_SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts.push(entry);
}).observe({ type: "layout-shift", buffered: true });
"""
SHIFT = "window.shifts.reduce((sum, entry) => sum + entry.value, 0)"
SHIFTED = "window.shifts.flatMap((entry) => entry.sources).map((source) => source.node?.outerHTML?.slice(0, 80))"
SCREENSHOTS = os.environ.get("KINDRED_SCREENSHOTS")
# Each width and each theme once; a screenshot of each width in each theme.
LOOKS = [(360, "dark"), (1440, "light")] + ([(360, "light"), (1440, "dark")] if SCREENSHOTS else [])


@pytest.fixture(scope="module")
def places(browser: Browser, site: Site) -> dict[str, str]:
    """Return the addresses that only what somebody did has: a search, one of its results, a reason, their shared
    links, a rated ballot, the preview of an import.
    """
    page = watched(browser.new_context())
    sign_in(page, site, "admin")
    page.locator("[data-quick-pick]").first.click()
    page.wait_for_url("**/searches/*/")
    batch = f"{site.address}/searches/batch/?search={page.url.split('/')[-2]}"
    tried = f"{site.address}/try/{page.locator('li.answer').first.get_attribute('data-image')}/"
    search, explanation = page.url, page.locator(".answer-why a").first.get_attribute("href")
    result = page.locator("a[data-lightbox]").first.get_attribute("href")
    shared = share(page)
    page.goto(shared)
    shared_explanation = page.locator(".answer-why a").first.get_attribute("href")
    shared_result = page.locator("a[data-lightbox]").first.get_attribute("href")
    page.goto(f"{site.address}/rate/")
    for column in page.locator("[data-column]").all():
        column.locator("label").nth(3).click()
    page.click("button[data-submit]")
    page.click("button[data-names]")
    page.wait_for_url("**/rate/*-*/")
    rated = page.url
    page.goto(f"{site.address}/lab/import/")
    page.fill("input[name=source]", "wings:species=6,per_class=4,size=160")
    page.get_by_role("button", name="Preview", exact=True).click()
    page.get_by_role("button", name="Import data set").wait_for()
    preview = page.url
    page.context.close()
    return {name: place.removeprefix(site.address) for name, place in locals().items() if isinstance(place, str)}


@pytest.fixture
def eyes(browser: Browser) -> Iterator[dict[str, Page]]:
    """A page for each look, by the name of the look."""
    pages = {}
    for width, scheme in LOOKS:
        size = {"width": width, "height": 800}
        context = browser.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        context.add_init_script(WATCH_SHIFTS)
        pages[f"{width}-{scheme}"] = watched(context)
    yield pages
    for page in pages.values():
        page.context.close()


def faults_at(eyes: dict[str, Page], address: str, name: str) -> list[str]:
    """Look at an address with all eyes: one page loads while another is checked."""
    answers = {look: page.goto(address, wait_until="commit") for look, page in eyes.items()}
    faults = [
        f"{address} answers {answer and answer.status}" for answer in answers.values() if not answer or not answer.ok
    ]
    if faults:
        return faults
    for look, page in eyes.items():
        page.wait_for_load_state("networkidle")
        if SCREENSHOTS:
            page.screenshot(path=Path(SCREENSHOTS) / f"{name}-{look}.png", full_page=True)
        if (shift := page.evaluate(SHIFT)) > MOST_SHIFT:
            faults.append(f"{address} shifts by {shift:.3f} in {look}: {page.evaluate(SHIFTED)}")
        faults += [f"{look}: {fault}" for fault in faults_of(page)]
        page.complaints.clear()  # type: ignore[attr-defined]
    return faults


def test_every_page_fits_and_is_accessible(eyes: dict[str, Page], site: Site, places: dict[str, str]) -> None:
    faults = []
    for name, path in VISITORS_PAGES.items():
        faults += faults_at(eyes, site.address + path.format(**places), f"visitor-{name}")
    for page in eyes.values():
        sign_in(page, site, "admin")
    for name, path in PAGES.items():
        faults += faults_at(eyes, site.address + path.format(**places), name)
    assert faults == []
