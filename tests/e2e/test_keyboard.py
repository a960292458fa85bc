"""From sign-in to a saved rating by keyboard alone: nothing here moves or clicks a mouse."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Site
from tests.e2e.people import faults_of, sign_up

pytestmark = pytest.mark.e2e
MOST_TABS = 60
SLOW = 30_000  # ms; passwords are slow to check by design
FOCUSED = "(document.activeElement.labels?.[0] ?? document.activeElement).innerText?.trim() ?? ''"


def tab_to(page: Page, name: str) -> None:
    """Press Tab until what has the focus is called so, and shows that it has it."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED).startswith(name):
            assert page.evaluate("document.activeElement.matches(':focus-visible')"), name
            return
    raise AssertionError(f"no {name!r} within {MOST_TABS} tabs of {page.url}")


def open_menu_by_keys(page: Page) -> None:
    """Open the navigation, which phones show behind a button."""
    if page.locator(".menu-button").is_visible():
        tab_to(page, "Menu")
        page.keyboard.press("Enter")
        expect(page.locator("#menu")).to_be_visible()


HIDDEN_BY = """() => {
  const here = document.activeElement;
  const seen = here.getBoundingClientRect();
  if (!seen.width || !seen.height) return null; // its label shows the focus
  const inside = (value, most) => Math.min(Math.max(value, 1), most - 2);
  const points = [
    [seen.left, seen.top],
    [seen.right - 1, seen.bottom - 1],
    [(seen.left + seen.right) / 2, (seen.top + seen.bottom) / 2],
  ];
  const above = points.map(([x, y]) => document.elementFromPoint(inside(x, innerWidth), inside(y, innerHeight)));
  const belongs = (found) =>
    !found || here.contains(found) || found.contains(here) ||
    [...(here.labels ?? [])].some((label) => label.contains(found) || found.contains(label));
  if (above.some(belongs)) return null;
  return `${here.outerHTML.slice(0, 120)} is behind ${above[0].outerHTML.slice(0, 80)}`;
}"""


@pytest.mark.parametrize("path", ["/", "/datasets/wings/", "/leaderboard/", "{results}"])
def test_nothing_covers_what_has_the_focus(page: Page, site: Site, path: str) -> None:
    sign_up(page, site)
    if path == "{results}":
        page.locator("[data-quick-pick]").first.click()
        page.wait_for_url("**/searches/*/")
    else:
        page.goto(site.address + path)
    page.wait_for_load_state("networkidle")
    hidden, focused = [], 0
    for _ in range(45):
        page.keyboard.press("Tab")
        focused += page.evaluate("document.activeElement !== document.body")
        hidden.append(page.evaluate(HIDDEN_BY))
    assert focused > 20 and [fault for fault in hidden if fault] == []


def test_the_menu_by_keyboard(page: Page, site: Site) -> None:
    sign_up(page, site)
    page.goto(f"{site.address}/algorithms/")
    if not page.locator(".menu-button").is_visible():
        tab_to(page, "Account")
        return
    open_menu_by_keys(page)
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED) == "Search"  # the menu comes right after its button
    page.keyboard.press("Escape")
    expect(page.locator("#menu")).to_be_hidden()
    assert page.evaluate(FOCUSED) == "Menu"
    page.keyboard.press("Enter")
    tab_to(page, "Account")
    page.keyboard.press("Enter")
    page.wait_for_url("**/me/")


def test_a_walk_by_keyboard_from_sign_in_to_a_saved_rating(page: Page, site: Site, browser: Browser) -> None:
    arranged = browser.new_context()
    email, password = sign_up(arranged.new_page(), site)
    arranged.close()

    page.goto(f"{site.address}/")
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED) == "Skip to the content"
    open_menu_by_keys(page)
    tab_to(page, "Sign in")
    page.keyboard.press("Enter")
    page.wait_for_url("**/accounts/login/**")
    tab_to(page, "E-mail")
    page.keyboard.type(email)
    tab_to(page, "Password")
    page.keyboard.type(password)
    page.keyboard.press("Enter")
    expect(page.locator("form.search")).to_be_visible(timeout=SLOW)

    open_menu_by_keys(page)
    tab_to(page, "Rate")
    page.keyboard.press("Enter")
    page.wait_for_url("**/rate/")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_hidden()
    page.keyboard.press("4")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("3")
    page.keyboard.press("ArrowUp")
    for _ in range(2, page.locator("[data-column]").count()):
        page.keyboard.press("ArrowRight")
        page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect(page.locator("button[data-names]")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/rate/*-*/")
    expect(page.locator("section.column").nth(0)).to_contain_text("4 of 5")
    expect(page.locator("section.column").nth(1)).to_contain_text("2 of 5")
    expect(page.locator("main")).to_contain_text("1 of ")

    page.keyboard.press("Enter")  # "Next picture" has the focus
    page.wait_for_url("**/rate/")
    expect(page.locator("main")).to_contain_text("1 of ")
    page.keyboard.press("u")
    page.keyboard.press("Enter")
    expect(page.locator("main").get_by_role("status")).to_contain_text("will not be shown to you again")
    expect(page.locator("main")).to_contain_text("0 of ")
    assert faults_of(page) == []
