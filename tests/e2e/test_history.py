"""A member finds earlier searches, saves them, downloads results, and deletes them."""

import csv
import io
import json
import re
import uuid
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Site
from tests.e2e.people import faults_of, open_menu, sign_up
from tests.e2e.test_rating import rate

pytestmark = pytest.mark.e2e
LOADING = 120_000  # milliseconds


def search(page: Page, site: Site, number: int = 0) -> str:
    """Search by a picture of the gallery; return the URL of the results."""
    page.goto(site.address)
    # The first search of a process loads the networks, which takes its time on a busy machine.
    page.locator("[data-quick-pick]").nth(number).click(timeout=LOADING)
    page.wait_for_url("**/searches/*/", timeout=LOADING)
    return page.url


def save_as(page: Page, name: str) -> None:
    page.click("#keep > summary")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Name", exact=True).press("Enter")
    expect(page.get_by_role("status").filter(has_text="Saved as")).to_contain_text(name)


def kept(page: Page, what: str) -> Path:
    with page.expect_download() as download:
        page.get_by_role("link", name=what, exact=True).click()
    assert download.value.suggested_filename.endswith(f".{what.lower()}")
    return Path(download.value.path())


def test_a_member_finds_an_earlier_search_and_deletes_it(page: Page, site: Site) -> None:
    sign_up(page, site)
    page.goto(f"{site.address}/searches/")
    expect(page.locator("main")).to_contain_text("You have not searched yet")
    asked = search(page, site)
    search(page, site, 1)
    open_menu(page)
    page.get_by_role("link", name="History").click()
    entries = page.locator("ul.mine > li")
    expect(entries).to_have_count(2)
    entries.nth(1).locator("a.photo").click()
    page.wait_for_url(asked)
    page.go_back()
    entries.nth(1).get_by_role("button", name=re.compile("^Delete the search")).click()
    expect(page.locator("#undo")).to_contain_text("Search deleted")
    expect(entries).to_have_count(1)
    page.get_by_role("button", name="Undo").click()
    page.wait_for_url("**/searches/*-*/")
    page.goto(f"{site.address}/searches/")
    expect(entries).to_have_count(2)
    expect(entries.first.locator(".mine-found img")).to_have_count(3)
    assert faults_of(page) == []


def test_a_search_is_saved_renamed_and_unsaved(page: Page, site: Site) -> None:
    sign_up(page, site)
    asked = search(page, site)
    name = f"Wings of {uuid.uuid4().hex[:6]}"
    save_as(page, name)
    page.goto(f"{site.address}/searches/")
    page.get_by_role("link", name="Saved (1)").click()
    expect(page.locator("ul.mine")).to_contain_text(name)
    page.locator("ul.mine details > summary").click()
    page.get_by_label("Name", exact=True).fill("Another name")
    page.get_by_role("button", name="Rename").click()
    page.wait_for_url("**/searches/saved/")
    page.get_by_role("link", name="Another name").last.click()
    page.wait_for_url(asked)
    page.go_back()
    assert faults_of(page) == []
    page.locator("ul.mine details > summary").click()
    page.get_by_role("button", name=re.compile("^Remove from saved")).click()
    expect(page.locator("main")).to_contain_text("no saved searches yet")
    page.get_by_role("link", name="All (1)").click()
    expect(page.locator("ul.mine > li")).to_have_count(1)
    assert faults_of(page) == []


def test_everything_is_deleted_after_a_question_but_what_is_saved(page: Page, site: Site) -> None:
    sign_up(page, site)
    search(page, site)
    search(page, site, 1)
    save_as(page, "Kept")
    page.goto(f"{site.address}/searches/")
    page.get_by_role("link", name="Delete all searches").click()
    assert faults_of(page) == []
    page.get_by_role("link", name="Cancel").click()
    expect(page.locator("ul.mine > li")).to_have_count(2)
    page.get_by_role("link", name="Delete all searches").click()
    page.get_by_role("button", name="Delete searches").click()
    expect(page.locator("ul.mine > li")).to_have_count(1)
    page.get_by_role("link", name="Delete all searches").click()
    page.get_by_label("Delete saved searches too").check()
    page.get_by_role("button", name="Delete searches").click()
    expect(page.locator("main")).to_contain_text("You have not searched yet")
    assert faults_of(page) == []


def test_the_answers_are_kept_as_table_json_and_pictures(page: Page, site: Site) -> None:
    sign_up(page, site)
    search(page, site)
    page.locator("form.marks button[value='2']").first.click()
    expect(page.locator("form.marks button[value='2']").first).to_have_attribute("aria-pressed", "true")
    page.click("#keep > summary")
    rows = list(csv.DictReader(io.StringIO(kept(page, "CSV").read_text(), newline="")))
    assert len(rows) == 24 and rows[0]["mark"] == "2" and rows[0]["rank"] == "1"
    assert json.loads(kept(page, "JSON").read_text())["results"][0]["mark"] == 2
    with zipfile.ZipFile(kept(page, "ZIP")) as archive:
        names = archive.namelist()
        assert archive.testzip() is None and {"query.jpg", "results.csv", "LICENCE.txt"} <= set(names)
        assert len([name for name in names if "/" in name]) == 24 and "Wings" in archive.read("LICENCE.txt").decode()
    assert faults_of(page) == []


def test_marks_and_ratings_are_seen_again_and_changed(page: Page, site: Site) -> None:
    sign_up(page, site)
    search(page, site)
    page.locator("form.marks button[value='0']").first.click()
    expect(page.locator("form.marks button[value='0']").first).to_have_attribute("aria-pressed", "true")
    rate(page, site, 4, 4)

    open_menu(page)
    page.locator(".top-me").get_by_role("link", name="Account").click()
    page.get_by_label("Your pages").get_by_role("link", name="Ratings").click()
    page.locator("form.marks button[value='2']").click()
    expect(page.locator("form.marks button[value='2']")).to_have_attribute("aria-pressed", "true")
    page.reload()
    expect(page.locator("form.marks button[value='2']")).to_have_attribute("aria-pressed", "true")
    assert faults_of(page) == []
    page.get_by_role("link", name="1 blind ballot").click()
    expect(page.locator("ul.mine > li")).to_contain_text("4 of 5")
    assert faults_of(page) == []
    page.get_by_role("link", name="1 mark on results").click()
    page.get_by_role("button", name=re.compile("^Remove the mark")).click()
    expect(page.locator("main")).to_contain_text("You have no marks yet")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("form.marks button[value='2']")).to_have_attribute("aria-pressed", "true")
    assert faults_of(page) == []
