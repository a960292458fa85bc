"""A member takes models, embeddings, reports and ratings along, and checks that they came whole."""

import hashlib
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import Site
from tests.e2e.people import faults_of, open_menu, sign_in, sign_up
from tests.e2e.test_rating import rate

pytestmark = pytest.mark.e2e


def kept(page: Page, row: Locator) -> Path:
    """Click a file's name; return what came, which must be what the page says of it."""
    with page.expect_download() as download:
        row.get_by_role("link").click()
    file = Path(download.value.path())
    assert download.value.suggested_filename == row.get_by_role("link").inner_text()
    if row.locator(".files-checksum").count():  # ratings have none before they are written
        row.locator("summary").click()
        assert hashlib.sha256(file.read_bytes()).hexdigest() == row.locator("[data-whole]").inner_text()
        expect(row.get_by_role("button", name="Copy")).to_be_visible()
    return file


def row_of(page: Page, name: str) -> Locator:
    return page.locator("ul.files li").filter(has=page.get_by_role("link", name=name)).first


def test_a_member_takes_a_model_and_its_embeddings_along(page: Page, site: Site) -> None:
    sign_up(page, site)
    open_menu(page)
    page.get_by_role("link", name="Downloads").click()
    for name in ("model.safetensors", "model.json", "embeddings.npy", "images.csv"):
        assert kept(page, row_of(page, name)).stat().st_size > 1000
    assert faults_of(page) == []


def test_a_member_shows_one_kind_of_one_data_set_alone(page: Page, site: Site) -> None:
    sign_up(page, site)
    page.goto(f"{site.address}/downloads/")
    page.get_by_label("Data set").select_option("wings")
    page.get_by_label("Kind").select_option(label="Embeddings")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("heading", name="Embeddings")).to_be_visible()
    expect(page.get_by_role("heading", name="Models")).to_have_count(0)
    expect(page.get_by_label("Kind")).to_have_value("embeddings")
    page.goto(f"{site.address}/downloads/?dataset=no-such-set")
    expect(page.locator("main")).to_contain_text("No files match")
    page.get_by_role("link", name="Show all").click()
    expect(page.get_by_role("heading", name="Models").first).to_be_visible()
    assert faults_of(page) == []


def test_ratings_are_downloaded_without_names(page: Page, site: Site) -> None:
    sign_up(page, site)
    rate(page, site, 4, 4)
    page.goto(f"{site.address}/downloads/?kind=ratings")
    text = kept(page, row_of(page, "blind-ratings.csv")).read_text()
    assert text.startswith("person,rated_at,query_path,") and "person-" in text and "stranger" not in text.lower()
    kept(page, row_of(page, "ratings.json"))
    assert faults_of(page) == []


def test_a_report_can_be_taken_along_once_it_is_made(page: Page, site: Site) -> None:
    sign_in(page, site, "admin")
    page.goto(f"{site.address}/lab/experiments/1/report/")
    page.click("form.make button")
    expect(page.locator("form.make")).to_be_visible(timeout=120_000)  # the page comes again when the job has ended
    page.goto(f"{site.address}/downloads/?kind=reports")
    for suffix in ("html", "md", "tex", "csv", "json"):
        kept(page, row_of(page, f".{suffix}"))
    assert faults_of(page) == []
