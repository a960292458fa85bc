"""A visitor looks through a data set: one of each class, the hardest, a class by name, and one picture in large."""

import re

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.conftest import Site
from tests.e2e.people import faults_of, sign_in, sign_up, wait_until

pytestmark = pytest.mark.e2e

SET = "/datasets/wings/"


def tiles(page: Page) -> int:
    return page.locator("#picture-list .answer").count()


def test_the_list_of_data_sets_shows_pictures_and_leads_to_one(page: Page, site: Site) -> None:
    page.goto(f"{site.address}/datasets/")
    card = page.locator(".dataset-card", has_text="Wings")
    expect(card.locator("img")).to_have_count(4)
    expect(card).to_contain_text("1440 pictures")
    assert faults_of(page) == []
    card.get_by_role("link", name="Wings").click()
    expect(page.locator("#picture-list .answer")).to_have_count(60)
    names = page.locator("#picture-list .answer-class").all_inner_texts()
    assert len(set(names)) == 60, "one picture of each class"
    assert faults_of(page) == []


def test_pictures_come_by_scrolling_for_three_pages_and_back_finds_the_place(page: Page, site: Site) -> None:
    page.goto(f"{site.address}{SET}")
    for wanted in (120, 180, 240):
        page.locator("#picture-pages").scroll_into_view_if_needed()
        expect(page.locator("#picture-list .answer")).to_have_count(wanted)
    page.locator("#picture-pages").scroll_into_view_if_needed()
    expect(page.locator("#picture-pages [role=status]")).to_contain_text("240 of 1440")
    expect(page.locator("footer")).to_be_visible()
    page.wait_for_timeout(300)
    assert tiles(page) == 240, "the footer stays in reach"
    assert faults_of(page) == []

    tile = page.locator("#picture-list a.photo").nth(150)
    tile.scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    tile.click()
    expect(page.locator(".picture-whole img")).to_be_visible()
    page.go_back()
    expect(page.locator("#picture-list .answer")).to_have_count(240)
    wait_until(page, "before => Math.abs(scrollY - before) < 200", arg=before)
    page.get_by_role("link", name="Next pictures").click()
    page.wait_for_url("**page=5*")
    expect(page.locator("#picture-pages [role=status]")).to_contain_text("241 to")


def test_the_hardest_pictures_and_those_of_a_class_are_two_choices_away(page: Page, site: Site) -> None:
    page.goto(f"{site.address}{SET}")
    page.locator("select[name=sort]").select_option("hardest")
    page.wait_for_url("**sort=hardest*")
    expect(page.locator("#picture-list")).to_contain_text("the best published model")
    first = page.locator("#picture-list .answer").first
    expect(first).to_contain_text(re.compile(r"Precision \d+ %"))
    assert faults_of(page) == []

    name = first.locator(".answer-class").inner_text()
    box = page.locator("input[name=class]")
    box.press_sequentially(name[:5].lower())
    expect(page.locator(f"#class-options option[value='{name}']")).to_have_count(1)
    box.fill(name)
    page.keyboard.press("Enter")
    page.wait_for_url("**class=*")
    expect(page.locator("#picture-list .answer")).to_have_count(24)
    assert set(page.locator("#picture-list .answer-class").all_inner_texts()) == {name}
    page.go_back()
    expect(page.locator("#picture-list .answer")).to_have_count(60)
    assert faults_of(page) == []


def test_a_picture_is_shown_large_and_a_member_searches_with_it(page: Page, site: Site) -> None:
    page.goto(f"{site.address}{SET}")
    page.locator("#picture-list a.photo").first.click()
    heading = page.locator("h1").inner_text()
    expect(page.locator("main")).to_contain_text("1 of 24")
    expect(page.locator(".picture-whole img")).to_have_js_property("complete", True)
    assert faults_of(page) == []
    page.get_by_role("link", name="Next", exact=True).click()
    expect(page.locator("main")).to_contain_text("2 of 24")
    expect(page.locator("h1")).to_have_text(heading)
    where = page.url
    sign_up(page, site)
    page.goto(where)
    assert faults_of(page) == []
    page.get_by_role("button", name="Search with this picture").click()
    page.wait_for_url("**/searches/*/")


def test_without_scripts_pages_follow_each_other_and_the_map_says_what_it_needs(site: Site, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 800})
    page = context.new_page()
    page.goto(f"{site.address}{SET}")
    page.locator("select[name=sort]").select_option("newest")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("link", name="Next pictures").click()
    expect(page.locator("#picture-pages [role=status]")).to_contain_text("61 to 120")
    assert "sort=newest" in page.url
    page.goto(f"{site.address}{SET}map/")
    if page.locator(".map").count():
        expect(page.locator(".map")).to_be_hidden()
        expect(page.locator("noscript .message")).to_be_visible()
        page.get_by_role("link", name="the list of classes").click()
        expect(page.locator("#class-list li.answer")).to_have_count(24)
    context.close()


def test_a_program_gets_the_pictures_by_the_page_s_own_words(page: Page, site: Site) -> None:
    page.goto(f"{site.address}{SET}")
    page.get_by_text("Use it from a program").click()
    command = page.locator(".programs pre code").first.inner_text().splitlines()[0]
    found = re.search(r'curl "([^"]+)"', command)
    assert found and page.request.get(found[1]).ok
    assert page.request.get(found[1]).json()["results"]
    assert faults_of(page) == []


def test_a_second_tab_overwrites_nothing(page: Page, context: BrowserContext, site: Site) -> None:
    sign_in(page, site, "admin")
    other = context.new_page()
    for tab in (page, other):
        tab.goto(f"{site.address}/lab/datasets/wings/licence/")
    before = page.input_value("input[name=attribution]")
    page.fill("input[name=attribution]", "The first tab")
    page.get_by_role("button", name="Save changes").click()
    page.wait_for_url(f"**{SET}")
    other.fill("input[name=attribution]", "The second tab")
    other.get_by_role("button", name="Save changes").click()
    expect(other.locator("main")).to_contain_text("was changed after you opened this page")
    expect(other.locator("main")).to_contain_text("The first tab")
    other.fill("input[name=attribution]", before)
    other.get_by_role("button", name="Save changes").click()
    other.wait_for_url(f"**{SET}")
    expect(other.locator("main")).not_to_contain_text("The first tab")
    other.close()


def test_the_bar_of_actions_leaves_the_pictures_room(page: Page, site: Site) -> None:
    sign_in(page, site, "admin")
    page.goto(f"{site.address}/lab/datasets/wings/pictures/")
    bar, box = page.locator(".choosing-bar").bounding_box(), page.locator(".pick-name input").first.bounding_box()
    assert bar is not None and bar["height"] < 150
    assert box is not None and min(box["width"], box["height"]) >= 24
    assert faults_of(page) == []
