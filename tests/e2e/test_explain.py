"""The explanation of a result, predictions, one class."""

import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Site
from tests.e2e.people import faults_of, search_with, share, sign_up

pytestmark = pytest.mark.e2e


def test_an_answer_says_why_it_is_one(page: Page, site: Site, photo: Path, browser: Browser) -> None:
    sign_up(page, site)
    search_with(page, photo)
    results = page.url
    page.get_by_role("link", name=re.compile("^Why .*rank 1")).first.click()
    page.wait_for_url("**/explanation/**")
    expect(page.locator("h1")).to_have_text("Why do these match?")
    expect(page.get_by_role("img")).to_have_count(2)
    expect(page.locator("main")).to_contain_text(re.compile("Exact|Approximate"))
    score = float(page.locator(".lead b").inner_text())
    for table in page.locator("figure details").all():
        table.locator("summary").click()
        shares = [float(cell.split("\n")[-1]) for cell in table.locator("td").all_inner_texts()]
        assert len(shares) == 9 and abs(sum(shares) - score) < 0.02
    expect(page.locator(".explanation-map").first).to_be_visible()
    page.get_by_label("Show heat maps").press("Space")
    expect(page.locator(".explanation-map").first).to_be_hidden()
    page.get_by_label("Show heat maps").press("Space")
    expect(page.locator(".explanation-map").first).to_be_visible()
    assert faults_of(page) == []

    private = page.url
    stranger = browser.new_context().new_page()
    assert stranger.goto(private).url.startswith(f"{site.address}/accounts/login/")  # type: ignore[union-attr]
    page.get_by_role("link", name="Back to the results").click()
    page.wait_for_url(f"{results}#result-*")
    stranger.goto(share(page))
    stranger.get_by_role("link", name=re.compile("^Why .*rank 1")).first.click()
    expect(stranger.locator("h1")).to_have_text("Why do these match?")
    expect(stranger.get_by_role("img")).to_have_count(2)
    stranger.context.close()


def test_the_neighbours_say_what_it_is_and_the_class_has_a_page(page: Page, site: Site, photo: Path) -> None:
    sign_up(page, site)
    search_with(page, photo)
    expect(page.locator(".headline")).to_contain_text(re.compile(r"\(\d+(–\d+)?\s%\)"))
    expect(page.locator(".prediction")).to_have_count(2)
    prediction = page.locator(".prediction").first
    expect(prediction).to_contain_text(re.compile("confidence|not in this data set", re.IGNORECASE))
    prediction.locator("summary").click()
    expect(prediction).to_contain_text("nearest neighbours vote")
    assert faults_of(page) == []

    page.goto(f"{site.address}/datasets/wings/classes/")
    first = page.locator(".class-sample").first
    name = first.locator(".answer-class").inner_text()
    first.click()
    page.wait_for_url("**/classes/0/")
    expect(page.locator("h1")).to_have_text(name)
    expect(page.locator("main")).to_contain_text("Most easily confused with")
    assert faults_of(page) == []
    page.get_by_role("button", name="Search with its most typical picture").click()
    page.wait_for_url("**/searches/*/")
    expect(page.locator("h1")).to_contain_text(name)
    page.go_back()
    page.locator("section[aria-labelledby=near-title] a").first.click()
    page.wait_for_url(lambda address: "/classes/" in address and not address.endswith("/classes/0/"))
    assert page.goto(f"{site.address}/datasets/wings/classes/999/").status == 404  # type: ignore[union-attr]


def test_a_painted_wall_is_no_sure_butterfly(page: Page, site: Site, tmp_path: Path) -> None:
    sign_up(page, site)
    file = tmp_path / "wall.png"
    Image.new("RGB", (200, 200), (200, 30, 200)).save(file)
    search_with(page, file)
    for prediction in page.locator(".prediction").all():
        expect(prediction).to_contain_text(re.compile(r"Not sure.*confidence|not in this data set", re.DOTALL))
    assert faults_of(page) == []
