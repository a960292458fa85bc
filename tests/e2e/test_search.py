"""Searching as people do it: every way in, a part of the picture, other terms, Back, marks, what goes wrong."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Site
from tests.e2e.people import faults_of, sign_up

pytestmark = pytest.mark.e2e

# What a browser does when a file is dropped or pasted; Playwright has no call for either.
GIVE = """async ([kind, target, address]) => {
  const blob = await (await fetch(address)).blob();
  const carried = new DataTransfer();
  carried.items.add(new File([blob], "given.jpg", { type: "image/jpeg" }));
  const event = kind === "paste"
    ? new ClipboardEvent("paste", { bubbles: true, clipboardData: carried })
    : new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: carried });
  document.querySelector(target).dispatchEvent(event);
}"""


def found(page: Page) -> str:
    """Wait for the results; return their URL."""
    page.wait_for_url("**/searches/*/")
    expect(page.locator("section.column")).to_have_count(2)
    return page.url


def ask_by_gallery(page: Page, site: Site) -> str:
    page.goto(f"{site.address}/")
    page.locator("[data-quick-pick]").first.click()
    page.wait_for_url("**/searches/*/")
    page.click("#refine-more > summary")
    expect(page.locator(".crop-box.placed")).to_be_visible()
    return page.url


def refined_from(page: Page, before: str) -> str:
    """Wait for the URL of a refinement."""
    page.wait_for_url(lambda address: address != before and address.endswith("/"))
    return page.url


def test_a_picture_comes_in_by_every_way(page: Page, site: Site, photo: Path) -> None:
    sign_up(page, site)
    page.check("#crop-first")
    page.set_input_files("#id_picture", photo)
    expect(page.locator("[data-preview]")).to_be_visible()
    expect(page.locator("[data-chosen]")).to_contain_text("my butterfly.jpg")
    page.click("[data-clear]")
    expect(page.locator("[data-preview]")).to_be_hidden()
    first = ask_by_gallery(page, site)

    for kind in ("drop", "paste"):
        page.goto(f"{site.address}/")
        page.evaluate(GIVE, [kind, "h1", f"{first}picture"])
        found(page)

    page.goto(f"{site.address}/")
    page.set_input_files("[data-camera]", photo)
    found(page)
    assert faults_of(page) == []

    page.goto(f"{site.address}/")
    page.get_by_role("link", name="Use the picture of").first.click()
    expect(page.locator("[data-preview]")).to_be_visible()
    page.click("form.search button[data-submit]")
    found(page)
    assert faults_of(page) == []


def test_a_web_address_inside_is_refused_with_a_sentence(page: Page, site: Site) -> None:
    sign_up(page, site)
    page.click("#options > summary")
    page.fill("#id_url", "http://127.0.0.1/secret.jpg")
    page.press("#id_url", "Enter")
    expect(page.locator(".errorlist")).to_contain_text("127.0.0.1 is not on the public internet")
    expect(page.locator(".errorlist")).to_be_focused()
    expect(page.locator("#id_url")).to_have_value("http://127.0.0.1/secret.jpg")
    page.complaints.clear()  # type: ignore[attr-defined]  # the browser says that it was answered 400
    assert faults_of(page) == []


def test_a_part_of_the_picture_is_searched_by_mouse_by_keys_and_by_numbers(page: Page, site: Site) -> None:
    sign_up(page, site)
    whole = ask_by_gallery(page, site)
    page.focus("#crop-nw")
    for key in ("Shift+ArrowRight", "Shift+ArrowDown", "ArrowDown"):
        page.keyboard.press(key)
    by_keys = refined_from(page, whole)
    assert (page.input_value("#id_left"), page.input_value("#id_top")) == ("5.0", "6.0")
    expect(page.locator("#crop-nw")).to_be_focused()
    expect(page.locator("#summary")).to_contain_text("part of the picture")
    expect(page.locator("#results-announced")).to_contain_text("part of the picture")

    expect(page.locator(".crop-box")).to_have_class("crop-box placed")
    corner = page.locator("#crop-se").bounding_box()
    assert corner is not None
    x, y = corner["x"] + corner["width"] / 2, corner["y"] + corner["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 40, y - 40, steps=4)
    page.mouse.up()
    by_mouse = refined_from(page, by_keys)
    assert 50 < float(page.input_value("#id_right")) < 95

    page.fill("#id_right", "60")
    page.press("#id_right", "Tab")
    refined_from(page, by_mouse)
    assert page.input_value("#id_right") == "60.0" and page.input_value("#id_left") == "5.0"
    expect(page.locator("#refine-more")).to_have_attribute("open", "")
    assert faults_of(page) == []


def test_terms_stand_in_the_address_and_back_and_reload_work(page: Page, site: Site) -> None:
    sign_up(page, site)
    page.click("#options > summary")
    page.fill("#id_k", "5")
    page.get_by_label("Multi-Similarity").uncheck()
    page.wait_for_url("**k=5**")
    page.reload()
    page.click("#options > summary")
    expect(page.locator("#id_k")).to_have_value("5")
    page.click("#other-models summary")
    expect(page.get_by_label("Multi-Similarity")).not_to_be_checked()
    page.get_by_label("Multi-Similarity").check()

    page.locator("[data-quick-pick]").first.click()
    page.wait_for_url("**/searches/*/")
    first = page.url
    expect(page.locator("li.answer")).to_have_count(10)

    page.click("#refine-more > summary")
    page.fill("#class-name", "a")
    page.locator("#class-choices input").first.check()
    filtered = refined_from(page, first)
    chip = page.get_by_role("button", name="Remove filter:")
    expect(chip).to_have_count(1)
    page.reload()
    expect(chip).to_have_count(1)
    page.evaluate("history.back()")  # not go_back: htmx loads the page anew, which it would take for a failure
    page.wait_for_url(first)
    expect(page.locator("li.answer")).to_have_count(10)
    page.wait_for_load_state("networkidle")
    page.evaluate("history.forward()")
    page.wait_for_url(filtered)
    page.wait_for_load_state("networkidle")
    chip.click()
    refined_from(page, filtered)
    expect(page.locator("li.answer")).to_have_count(10)

    before = page.url
    page.click("#refine-more > summary")
    page.fill("#id_threshold", "1")
    page.press("#id_threshold", "Enter")
    refined_from(page, before)
    expect(page.locator("main")).to_contain_text("No result reaches 1.0")
    expect(page.locator("#summary")).to_contain_text("hides 10 more")
    assert faults_of(page) == []


def test_a_slider_moves_the_number_and_asks_again(page: Page, site: Site) -> None:
    sign_up(page, site)
    before = ask_by_gallery(page, site)
    page.focus("#threshold-slider")
    page.keyboard.press("End")
    refined_from(page, before)
    expect(page.locator("#id_threshold")).to_have_value("1.0")
    assert faults_of(page) == []


def test_marks_search_again_and_wrong_terms_keep_the_answers(page: Page, site: Site) -> None:
    sign_up(page, site)
    first = ask_by_gallery(page, site)
    expect(page.locator("#overlaps-title")).to_contain_text("of the first 12")
    page.fill("#id_k", "100000")
    page.press("#id_k", "Enter")
    expect(page.locator(".errorlist").first).to_contain_text("less than or equal to 100")
    expect(page.locator("li.answer")).to_have_count(24)
    assert page.url == first
    page.complaints.clear()  # type: ignore[attr-defined]  # the browser says that it was answered 400

    page.goto(first)
    expect(page.locator("#refine-marks")).to_be_hidden()
    page.locator("form.marks button[value='2']").nth(2).click()
    expect(page.locator("form.marks button[value='2']").nth(2)).to_have_attribute("aria-pressed", "true")
    page.locator("#refine-marks").click()
    refined_from(page, first)
    expect(page.locator("#summary")).to_contain_text("1 positive")
    assert faults_of(page) == []
