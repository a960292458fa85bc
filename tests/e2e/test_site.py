"""A stranger signs up and searches; an admin looks into the lab; all find their way, their theme and their name."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Site, watched
from tests.e2e.people import faults_of, open_menu, search_with, share, sign_in, sign_up, wait_until

pytestmark = pytest.mark.e2e
PAPER = "getComputedStyle(document.body).backgroundColor"
LIGHT, DARK = "rgb(247, 248, 248)", "rgb(19, 21, 22)"
PHONE = {"width": 360, "height": 800}
TARGET = 24  # px, WCAG 2.5.8


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
    assert page.locator("svg.interval[role=img]").count() == 4
    assert page.locator("section[aria-labelledby=curves-title] polyline").count() == 2
    drawing = page.locator("section[aria-labelledby=sizes-pca-title] img.drawing")
    drawing.scroll_into_view_if_needed()  # it is loaded when it is near
    expect(drawing).to_have_js_property("complete", True)
    assert drawing.evaluate("image => image.naturalWidth") > 0
    with page.expect_download() as kept:
        page.get_by_role("link", name="HTML", exact=True).click()
    assert kept.value.suggested_filename.endswith(".html")
    assert page.complaints == []  # type: ignore[attr-defined]


def test_the_menu_of_a_phone_holds_everything_and_marks_where_one_is(browser: Browser, site: Site) -> None:
    page = watched(browser.new_context(viewport=PHONE, has_touch=True, color_scheme="dark"))
    sign_in(page, site, "admin")
    page.goto(f"{site.address}/lab/jobs/")
    menu, button = page.locator("#menu"), page.get_by_role("button", name="Menu", exact=True)
    expect(menu).to_be_hidden()
    button.click()
    expect(menu).to_be_visible()
    for row in [*menu.get_by_role("link").all(), *menu.get_by_role("button").all()]:
        box = row.bounding_box()
        assert box and box["x"] >= 0 and box["x"] + box["width"] <= PHONE["width"] and box["height"] >= 44, box
    assert menu.get_by_role("link").count() == 9
    expect(menu.locator("[aria-current=true]")).to_have_text("Lab")
    assert faults_of(page) == []
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    button.click()
    page.mouse.click(180, 700)
    expect(menu).to_be_hidden()
    button.click()
    menu.get_by_role("link", name="Lab", exact=True).click()
    page.wait_for_url("**/lab/")
    page.context.close()


def test_on_a_desk_the_navigation_needs_no_button(browser: Browser, site: Site) -> None:
    page = watched(browser.new_context(viewport={"width": 1024, "height": 700}))
    sign_in(page, site, "admin")
    page.goto(f"{site.address}/datasets/wings/classes/0/")
    expect(page.get_by_role("button", name="Menu", exact=True)).to_be_hidden()
    tops = {round(link.bounding_box()["y"]) for link in page.locator(".top li a").all()}  # type: ignore[index]
    assert len(tops) == 1 and page.locator(".top li a").count() == 9
    expect(page.locator(".top [aria-current]")).to_have_text("Data sets")
    page.context.close()


def test_a_theme_is_chosen_once_and_for_all_pages(page: Page, site: Site) -> None:
    page.goto(f"{site.address}/leaderboard/")
    assert page.evaluate(PAPER) == LIGHT
    before = page.locator("canvas").first.evaluate("canvas => canvas.toDataURL()")
    with page.expect_response("**/theme/") as sent:
        page.get_by_role("button", name="Theme: Dark").click()
    assert sent.value.status == 204
    expect(page.get_by_role("button", name="Theme: Dark")).to_have_attribute("aria-pressed", "true")
    assert page.evaluate(PAPER) == DARK
    wait_until(page, "before => document.querySelector('canvas').toDataURL() !== before", arg=before)
    page.goto(f"{site.address}/algorithms/")
    assert page.evaluate(PAPER) == DARK and faults_of(page) == []
    page.get_by_role("button", name="Theme: As the system").click()
    wait_until(page, f"{PAPER} === '{LIGHT}'")
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(PAPER) == DARK


def test_what_stands_in_a_form_stays_when_the_theme_changes(page: Page, site: Site) -> None:
    page.goto(f"{site.address}/accounts/signup/")
    page.fill("input[name=display_name]", "Half written")
    page.get_by_role("button", name="Theme: Dark").click()
    wait_until(page, f"{PAPER} === '{DARK}'")
    expect(page.locator("input[name=display_name]")).to_have_value("Half written")


def test_the_account_is_an_overview_where_the_name_is_changed(page: Page, site: Site) -> None:
    email, _ = sign_up(page, site)
    open_menu(page)
    page.locator(".top-me").get_by_role("link", name="Account").click()
    page.wait_for_url("**/me/")
    expect(page.locator("main")).to_contain_text(email)
    page.fill("input[name=display_name]", "Mia")
    page.get_by_role("button", name="Save name").click()
    expect(page.locator("main").get_by_role("status").first).to_contain_text("Name changed")
    expect(page.locator("input[name=display_name]")).to_have_value("Mia")
    for name in ("Security", "Sessions", "API tokens", "My data"):
        expect(page.locator("main ul.plain-list").get_by_role("link", name=name, exact=True)).to_be_visible()
    assert faults_of(page) == []


def test_every_page_leads_to_what_the_site_says_of_itself(page: Page, site: Site) -> None:
    page.goto(f"{site.address}/")
    for name, heading in (("About", "About Kindred"), ("Privacy", "Privacy"), ("Licences", "Licences")):
        page.locator("footer").get_by_role("link", name=name).click()
        expect(page.locator("h1")).to_have_text(heading)
        assert faults_of(page) == []
    for link in page.locator("footer a").all():
        box = link.bounding_box()
        assert box and box["height"] >= TARGET, box


def test_the_main_pages_work_without_scripts(browser: Browser, site: Site) -> None:
    page = browser.new_context(viewport=PHONE, java_script_enabled=False).new_page()
    page.set_default_timeout(120_000)
    email, password = site.people["member"]
    page.goto(f"{site.address}/")
    page.get_by_role("button", name="Menu", exact=True).click()
    page.locator("#menu").get_by_role("link", name="Sign in").click()
    page.fill("input[name=login]", email)
    page.fill("input[name=password]", password)
    page.click("main form button:not(.link)")
    expect(page.locator("form.search")).to_be_visible()
    page.locator("[data-quick-pick]").first.click()
    expect(page.locator("section.column").first).to_be_visible(timeout=120_000)
    page.get_by_role("button", name="Theme: Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator("section.column").first).to_be_visible()  # back on the same page
    for path in ("/datasets/wings/", "/leaderboard/", "/algorithms/multi_similarity/", "/me/", "/searches/"):
        answer = page.goto(site.address + path)
        assert answer and answer.ok, path
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator("main time").first).to_contain_text("UTC")
    page.context.close()


def test_a_wide_table_shows_that_it_goes_on(browser: Browser, site: Site) -> None:
    page = watched(browser.new_context(viewport=PHONE))
    sign_in(page, site, "admin")
    page.goto(f"{site.address}/lab/people/")
    table = page.locator("table.stacks")
    assert table.evaluate("table => table.parentElement.scrollWidth <= table.parentElement.clientWidth")
    row = table.locator("tbody tr").first
    labels = row.locator("td").evaluate_all("cells => cells.map((cell) => getComputedStyle(cell, '::before').content)")
    assert labels == ['"E-mail"', '"Role"', '"State"', '"Last seen"']
    page.context.close()
