"""A stranger signs up and searches; an admin looks into the lab."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Site
from tests.e2e.people import search_with, share, sign_in, sign_up

pytestmark = pytest.mark.e2e


def test_a_stranger_searches_with_their_own_picture_and_shares_the_answers(
    page: Page, site: Site, photo: Path, browser: Browser
) -> None:
    sign_up(page, site)
    search_with(page, photo)
    columns = page.locator("section.column")
    expect(columns).to_have_count(2)
    expect(columns.nth(0)).to_contain_text("SoftTriple")
    expect(columns.nth(1)).to_contain_text("Multi-Similarity")
    expect(columns.nth(0).locator("li.answer")).to_have_count(12)

    page.locator("form.marks button[value='2']").first.click()
    expect(page.locator("form.marks button[value='2']").first).to_have_attribute("aria-pressed", "true")
    page.reload()
    expect(page.locator("form.marks button[value='2']").first).to_have_attribute("aria-pressed", "true")

    private = page.url
    link = share(page)
    visitor = browser.new_context().new_page()
    visitor.goto(link)
    expect(visitor.locator("section.column")).to_have_count(2)
    assert visitor.goto(private).url.startswith(f"{site.address}/accounts/login/")  # type: ignore[union-attr]

    page.locator("li.answer a.photo").first.click()
    page.get_by_role("button", name="Search with this").click()
    page.wait_for_url(lambda address: not address.startswith(private))
    expect(page.locator("h1")).to_contain_text("Similar to")
    assert page.complaints == []  # type: ignore[attr-defined]


def test_a_picture_that_cannot_be_read_gets_a_sentence(page: Page, site: Site, tmp_path: Path) -> None:
    sign_up(page, site)
    fake = tmp_path / "holiday.jpg"
    fake.write_text("not a picture at all")
    page.set_input_files("#id_picture", fake)
    expect(page.locator("main .errorlist")).to_contain_text("holiday.jpg is not a picture")


def test_an_admin_finds_everything_in_the_lab(page: Page, site: Site) -> None:
    sign_in(page, site, "admin")
    page.goto(f"{site.address}/lab/")
    expect(page.locator("main")).to_contain_text("Wings")
    page.goto(f"{site.address}/lab/experiments/1/")
    expect(page.locator("main")).to_contain_text("SoftTriple")
    assert page.locator("svg polyline").count() >= 2
    page.goto(f"{site.address}/lab/models/1/")
    expect(page.locator("main")).to_contain_text("Recall@1")
    assert page.goto(f"{site.address}/admin/").ok  # type: ignore[union-attr]
    assert page.goto(f"{site.address}/api/docs/").ok  # type: ignore[union-attr]


def test_a_curator_makes_a_report_and_reads_it(page: Page, site: Site) -> None:
    sign_in(page, site, "admin")
    page.goto(f"{site.address}/lab/experiments/1/")
    page.click("section[aria-labelledby=report-title] a")
    page.click("form.make button")
    expect(page.locator("form.make")).to_be_visible(timeout=120_000)  # the page comes again when the job has ended
    expect(page.locator("main")).to_contain_text("No run has finished since")
    expect(page.locator("#tests-title")).to_have_text("Statistical significance")
    expect(page.locator("table.leaderboard").first).to_contain_text("SoftTriple")
    assert page.locator("svg.interval").count() == 4 and page.locator("ul.curves polyline").count() == 2
    with page.expect_download() as kept:
        page.get_by_role("link", name="HTML", exact=True).click()
    assert kept.value.suggested_filename.endswith(".html")
    assert page.complaints == []  # type: ignore[attr-defined]
