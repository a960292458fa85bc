"""The results page: results first, each in large, by mouse, keys and finger; sharing; names of every kind."""

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from retrieval.models import DatasetClass
from tests.e2e.conftest import Site, watched
from tests.e2e.people import faults_of, search_with, share, sign_up

pytestmark = pytest.mark.e2e
SIZES = {360: 800, 1440: 900}
SHIFT = """() => new Promise((done) => {
  let sum = 0;
  new PerformanceObserver((list) => { for (const entry of list.getEntries()) sum += entry.value; })
    .observe({ type: "layout-shift", buffered: true });
  setTimeout(() => done(sum), 1000);
})"""
SWIPE = """([selector, by]) => {
  const target = document.querySelector(selector);
  const touch = (x) => new Touch({ identifier: 1, target, clientX: x, clientY: 300 });
  const send = (name, x, all) => target.dispatchEvent(
    new TouchEvent(name, { touches: all ? [touch(x)] : [], changedTouches: [touch(x)], bubbles: true }));
  send("touchstart", 200, true);
  send("touchend", 200 + by, false);
}"""
NAMES = ["x" * 80, "فراشة الطاووس الأبيض", "🦋🏳️‍🌈 wing 🦋", "<b>bold</b> & 'quoted' \"name\""]


def first_screen(page: Page) -> None:
    """Give the window the height of a phone or a desk."""
    size = page.viewport_size
    assert size is not None
    page.set_viewport_size({"width": size["width"], "height": SIZES[size["width"]]})


def bottom_of(page: Page, selector: str) -> float:
    box = page.locator(selector).first.bounding_box()
    assert box is not None and box["y"] >= 0, selector
    return box["y"] + box["height"]


def search_gallery(page: Page, site: Site) -> str:
    page.goto(f"{site.address}/")
    page.locator("[data-quick-pick]").first.click()
    page.wait_for_url("**/searches/*/")
    return page.url


def key_of(page: Page, at: int) -> str:
    return page.locator("a[data-lightbox]").nth(at).get_attribute("data-lightbox") or ""


def is_large(page: Page, key: str) -> None:
    """Wait until the dialog shows that result."""
    expect(page.locator(f"#lightbox #result-card[data-result='{key}']")).to_be_visible()
    assert page.url.endswith(f"#open-{key}")


@pytest.mark.both_widths
def test_prediction_and_results_stand_in_the_first_screen(
    page: Page, site: Site, photo: Path, browser: Browser
) -> None:
    first_screen(page)
    sign_up(page, site)
    search_with(page, photo)
    own = page.url
    for models in (2, 4):
        height = page.evaluate("innerHeight")
        assert bottom_of(page, ".headline") < height / 2
        assert bottom_of(page, ".found-query img") < height / 2
        assert bottom_of(page, "li.answer a.photo") < height
        if height == SIZES[1440]:
            assert bottom_of(page, "li.answer") < height
        assert page.evaluate(SHIFT) < 0.05
        if models == 2:
            page.click("#refine-more > summary")
            for box in page.locator("input[name=models]").all():
                box.evaluate("box => { box.checked = true; }")
            page.locator("input[name=models]").last.dispatch_event("change")
            page.wait_for_url(lambda url: url != own)
            expect(page.locator("section.column")).to_have_count(4)
            page.reload()
    link = share(page)
    visitor = browser.new_context(viewport=page.viewport_size).new_page()
    visitor.goto(link)
    assert bottom_of(visitor, ".headline") < visitor.evaluate("innerHeight") / 2
    assert bottom_of(visitor, "li.answer a.photo") < visitor.evaluate("innerHeight")
    assert visitor.evaluate(SHIFT) < 0.05
    visitor.context.close()
    assert faults_of(page) == []


@pytest.mark.both_widths
def test_a_result_opens_in_large_and_closes_where_one_was(page: Page, site: Site) -> None:
    sign_up(page, site)
    results = search_gallery(page, site)
    first, second = key_of(page, 0), key_of(page, 1)
    page.locator("a[data-lightbox]").first.click()
    is_large(page, first)
    dialog = page.get_by_role("dialog", name="Result in large")
    expect(dialog.get_by_role("status")).to_contain_text("rank 1 of 12")
    expect(dialog).to_contain_text("Licence")
    expect(dialog.get_by_role("link", name="Why?")).to_be_visible()
    assert faults_of(page) == []
    dialog.get_by_role("button", name="Exactly this").click()
    expect(dialog.get_by_role("button", name="Exactly this")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(f"#mark-{first}-2")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("ArrowRight")
    is_large(page, second)
    dialog.get_by_role("button", name="Previous").click()
    is_large(page, first)
    page.keyboard.press("ArrowLeft")
    is_large(page, first)
    dialog.get_by_role("button", name="Next").click()
    is_large(page, second)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert page.url == results
    expect(page.locator(f"a[data-lightbox='{second}']")).to_be_focused()
    expect(page.locator("#refine-marks")).to_be_visible()

    page.locator("a[data-lightbox]").nth(2).click()
    is_large(page, key_of(page, 2))
    page.evaluate("history.back()")
    expect(dialog).to_be_hidden()
    assert page.url == results
    page.evaluate("history.forward()")
    is_large(page, key_of(page, 2))
    page.reload()
    is_large(page, key_of(page, 2))
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()
    page.locator("a[data-lightbox]").first.click()
    page.get_by_role("button", name="Search with this").click()
    page.wait_for_url(lambda url: not url.startswith(results))
    assert page.complaints == []  # type: ignore[attr-defined]


def test_the_page_and_the_large_view_are_walked_by_keyboard(page: Page, site: Site) -> None:
    sign_up(page, site)
    search_gallery(page, site)
    expect(page.locator("#results-announced")).to_contain_text("results from")
    page.focus("#refine-more > summary")
    page.keyboard.press("Enter")
    expect(page.locator("#id_threshold")).to_be_visible()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText").startswith("Save, share")
    page.locator("a[data-lightbox]").first.focus()
    page.keyboard.press("Enter")
    is_large(page, key_of(page, 0))
    seen = set()
    for _ in range(12):
        seen.add(page.evaluate("document.activeElement.innerText.trim()"))
        assert page.evaluate(
            "document.activeElement === document.body || !!document.activeElement.closest('#lightbox')"
        )
        page.keyboard.press("Tab")
    assert {"No", "Same kind", "Exactly this", "Search with this", "Why?", "Close"} <= seen


def test_a_finger_swipes_through_the_results(browser: Browser, site: Site) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 800}, has_touch=True, is_mobile=True)
    page = watched(context)
    sign_up(page, site)
    search_gallery(page, site)
    page.locator("a[data-lightbox]").first.tap()
    is_large(page, key_of(page, 0))
    page.evaluate(SWIPE, ["#lightbox .result-picture", -120])
    is_large(page, key_of(page, 1))
    page.evaluate(SWIPE, ["#lightbox .result-picture", 120])
    is_large(page, key_of(page, 0))
    page.evaluate(SWIPE, ["#lightbox .result-picture", 10])
    is_large(page, key_of(page, 0))
    assert faults_of(page) == []
    context.close()


def test_without_scripts_everything_is_reached(browser: Browser, site: Site) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 800})
    page = context.new_page()
    sign_up(page, site)
    results = search_gallery(page, site)
    page.locator("a[data-lightbox]").first.click()
    page.wait_for_url("**/results/*/*/")
    expect(page.locator("#result-card img")).to_be_visible()
    page.get_by_role("link", name="Next").click()
    expect(page.locator("h1")).to_contain_text("Result 2")
    page.get_by_role("button", name="Same kind").click()
    page.wait_for_url(results)
    expect(page.get_by_role("button", name="Search again with my marks")).to_be_visible()
    page.locator("#refine-more > summary").click()
    page.fill("#id_k", "3")
    page.locator("#refine-again").click()
    page.wait_for_url(lambda url: url != results)
    expect(page.locator("li.answer")).to_have_count(6)
    page.locator("#keep > summary").click()
    expect(page.get_by_role("link", name="CSV")).to_be_visible()
    context.close()


def test_a_search_is_shared_with_a_card_and_its_link_copied(
    page: Page, site: Site, photo: Path, browser: Browser
) -> None:
    sign_up(page, site)
    search_with(page, photo)
    page.click("#keep > summary")
    expect(page.locator("#keep")).to_contain_text("your photo with it")
    page.click("#keep > summary")
    link = share(page)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy link").click()
    expect(page.locator("[data-copied]")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == link
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(); }")
    page.get_by_role("button", name="Copy link").click()
    expect(page.locator("[data-copied]")).to_contain_text("Selected")
    assert page.evaluate("getSelection().toString()") == link
    page.evaluate("() => { navigator.share = (sent) => { window.sent = sent; return Promise.resolve(); }; }")
    page.locator("[data-send]").evaluate("button => { button.hidden = false; }")
    page.get_by_role("button", name="Send to").click()
    assert page.evaluate("window.sent.url") == link
    assert faults_of(page) == []

    visitor = watched(browser.new_context(viewport=page.viewport_size))
    visitor.goto(link)
    assert visitor.title().startswith("Results for ")
    card = {
        meta.get_attribute("property"): meta.get_attribute("content")
        for meta in visitor.locator("meta[property]").all()
    }
    assert card["og:title"] and re.search(r"\d+ similar pictures from 2 models", card["og:description"] or "")
    assert visitor.request.get(card["og:image"] or "").headers["content-type"] == "image/jpeg"
    visitor.locator("a[data-lightbox]").first.click()
    expect(visitor.locator("#lightbox #result-card")).to_be_visible()
    expect(visitor.locator("#lightbox form.marks")).to_have_count(0)
    assert visitor.locator("#lightbox img").evaluate("image => image.decode().then(() => image.naturalWidth)") >= 128
    visitor.keyboard.press("Escape")
    expect(visitor.get_by_role("link", name="Search with my picture")).to_be_visible()
    assert faults_of(visitor) == []
    visitor.context.close()


def test_a_deleted_search_comes_back_and_its_link_with_it(page: Page, site: Site, browser: Browser) -> None:
    sign_up(page, site)
    results = search_gallery(page, site)
    link = share(page)
    visitor = browser.new_context().new_page()
    page.get_by_role("button", name="Delete search").click()
    page.wait_for_url("**/searches/")
    assert visitor.goto(link).status == 404  # type: ignore[union-attr]
    assert faults_of(page) == []
    page.get_by_role("button", name="Undo").click()
    page.wait_for_url(results)
    assert visitor.goto(link).status == 200  # type: ignore[union-attr]
    visitor.context.close()


@pytest.fixture
def odd_names(page: Page, site: Site) -> Iterator[str]:
    """Give the classes of the first results names of every kind; yield the search's URL."""
    sign_up(page, site)
    results = search_gallery(page, site)
    labels = list(dict.fromkeys(page.locator("li.answer .answer-class").all_inner_texts()))
    stored = sqlite3.connect(site.var / "db.sqlite3", timeout=30)
    renamed = dict(zip(labels, NAMES, strict=False))
    table = DatasetClass._meta.db_table
    for old, new in renamed.items():
        stored.execute(f"update {table} set name = ? where name = ?", (new, old))
    stored.commit()
    try:
        yield results
    finally:
        for old, new in renamed.items():
            stored.execute(f"update {table} set name = ? where name = ?", (old, new))
        stored.commit()
        stored.close()


def test_names_of_every_kind_fit(odd_names: str, page: Page, context: BrowserContext, site: Site) -> None:
    page.goto(odd_names)
    expect(page.locator("li.answer .answer-class").first).to_have_text(NAMES[0])
    assert faults_of(page) == []
    page.locator("a[data-lightbox]").first.click()
    expect(page.locator("#lightbox #result-card")).to_be_visible()
    assert faults_of(page) == []
    page.goto(f"{site.address}/searches/")
    assert faults_of(page) == []
