"""People rate blind, withdraw ratings, mark single results, and see the leaderboard move."""

import re
from itertools import cycle

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Site, watched
from tests.e2e.people import confirm, faults_of, sign_up

pytestmark = pytest.mark.e2e
NAMES = ("SoftTriple", "Multi-Similarity")


def progress(page: Page) -> tuple[int, int]:
    """Return how many of how many the page says are rated."""
    found = re.search(r"(\d+) of (\d+) rated", page.locator("main").inner_text())
    assert found, page.url
    return int(found[1]), int(found[2])


def rate(page: Page, site: Site, *values: int) -> None:
    """Rate the columns as a finger or a mouse does, from the left; the values repeat."""
    page.goto(f"{site.address}/rate/")
    for column, value in zip(page.locator("[data-column]").all(), cycle(values), strict=False):
        column.locator("label").nth(value - 1).click()
    page.click("button[data-submit]")
    page.click("button[data-names]")
    page.wait_for_url("**/rate/*-*/")


def rated_ballots(page: Page) -> int:
    count = page.locator("[data-live=ballots-wings]")
    return int(count.inner_text()) if count.count() else 0


def test_a_rating_in_one_browser_moves_the_leaderboard_in_another(page: Page, site: Site, browser: Browser) -> None:
    sign_up(page, site)
    watcher = watched(browser.new_context())
    watcher.goto(f"{site.address}/leaderboard/")
    before = rated_ballots(watcher)
    people = watcher.locator("canvas[data-figure=human]")
    expect(people).to_have_attribute("data-means", re.compile(r"."), timeout=10_000)
    drawn = str(people.get_attribute("data-means"))
    page.goto(f"{site.address}/rate/")
    assert not [name for name in NAMES if name in page.content()]
    assert faults_of(page) == []

    rate(page, site, 4, 2)
    for name in NAMES:
        expect(page.locator("section.column h2", has_text=name)).to_be_visible()
    expect(page.locator("section.column").nth(0)).to_contain_text("4 of 5")
    expect(watcher.locator("[data-live=ballots-wings]")).to_have_text(str(before + 1), timeout=20_000)
    expect(people).not_to_have_attribute("data-means", drawn)
    assert faults_of(page) == [] and faults_of(watcher) == []

    confirm(page, "Withdraw this rating")
    page.wait_for_url("**/rate/")
    expect(watcher.locator("caption").first).to_contain_text(
        f"{before} rated" if before else "No ratings", timeout=20_000
    )
    expect(people).to_have_attribute("data-means", drawn)
    watcher.context.close()


def test_all_bad_is_one_key_and_undo_another(page: Page, site: Site) -> None:
    sign_up(page, site)
    page.goto(f"{site.address}/rate/")
    first, total = page.locator("img.query-picture").get_attribute("src"), progress(page)[1]
    columns = page.locator("[data-column]").count()
    page.keyboard.press("n")
    expect(page.locator("h1")).to_have_text("You chose: none match")
    page.keyboard.press("Enter")
    page.wait_for_url("**/rate/*-*/")
    expect(page.locator("main")).to_contain_text("None match")
    expect(page.get_by_text("your rating: 1 of 5")).to_have_count(columns)
    page.keyboard.press("u")
    page.keyboard.press("Enter")
    page.wait_for_url("**/rate/")
    assert progress(page) == (0, total - 1)
    assert page.locator("img.query-picture").get_attribute("src") != first
    expect(page.locator("[data-undo]")).to_have_count(0)
    assert faults_of(page) == []


def test_single_results_are_marked_after_a_rating_and_marks_can_change(page: Page, site: Site) -> None:
    sign_up(page, site)
    rate(page, site, 3)
    marks = page.locator("form.marks").first
    for value in ("1", "2"):
        marks.locator(f"button[value='{value}']").click()
        expect(marks.locator(f"button[value='{value}']")).to_have_attribute("aria-pressed", "true")
    page.reload()
    expect(page.locator("form.marks [aria-pressed=true]")).to_have_count(1)
    expect(marks.locator("button[value='2']")).to_have_attribute("aria-pressed", "true")
    assert faults_of(page) == []
    page.keyboard.press("u")
    page.keyboard.press("Enter")
    page.wait_for_url("**/rate/")


def test_keys_are_explained_and_can_be_switched_off(page: Page, site: Site) -> None:
    sign_up(page, site)
    page.goto(f"{site.address}/rate/")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_contain_text("none match")
    page.keyboard.press("3")
    expect(page.locator("[data-column] input:checked")).to_have_count(0)
    assert faults_of(page) == []
    dialog.get_by_role("checkbox").uncheck()
    dialog.get_by_role("button", name="Close list").click()
    page.keyboard.press("3")
    page.keyboard.press("?")
    expect(page.locator("[data-column] input:checked")).to_have_count(0)
    expect(dialog).to_be_hidden()


def test_a_ballot_that_is_not_whole_is_not_sent(page: Page, site: Site) -> None:
    sign_up(page, site)
    page.goto(f"{site.address}/rate/")
    page.keyboard.press("5")
    page.keyboard.press("Enter")
    expect(page.locator("[data-missing]").nth(1)).to_be_visible()
    expect(page.locator("[data-column]").nth(1).locator("input").first).to_be_focused()
    assert page.url.endswith("/rate/") and progress(page)[0] == 0


def test_the_leaderboard_is_kept_and_narrowed(page: Page, site: Site) -> None:
    page.goto(f"{site.address}/leaderboard/?dataset=wings")
    expect(page.get_by_role("navigation", name="Data set").get_by_role("link", name="Wings")).to_have_attribute(
        "aria-current", "true"
    )
    for suffix in ("CSV", "JSON", "PNG", "SVG"):
        with page.expect_download() as kept:
            page.get_by_role("link", name=suffix, exact=True).click()
        assert kept.value.suggested_filename == f"leaderboard.{suffix.lower()}"
    page.get_by_role("navigation", name="Data set").get_by_role("link", name="All").click()
    page.wait_for_url("**/leaderboard/")
    assert faults_of(page) == []
    page.goto(f"{site.address}/leaderboard/?dataset=moths")
    expect(page.locator("main")).to_contain_text("is called “moths”")
    page.complaints.clear()  # type: ignore[attr-defined]  # the browser tells of the 404
    page.get_by_role("link", name="Clear filters").click()
    expect(page.locator("table.leaderboard").first).to_contain_text("SoftTriple")
    assert faults_of(page) == []
