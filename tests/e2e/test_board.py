"""Which loss is best and how sure that is; a rating that is skipped, changed and withdrawn; a report for a talk."""

import os
import re
import subprocess
import sys

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.conftest import ROOT, Site
from tests.e2e.people import confirm, faults_of, sign_in, sign_up

pytestmark = pytest.mark.e2e
NAMES = ("SoftTriple", "Multi-Similarity")
SHIFTS = """window.shifted = 0; new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({ type: "layout-shift", buffered: true });"""


@pytest.fixture(scope="module")
def planted(site: Site) -> str:
    """The key of an experiment with three seeds of two losses, which only curators see."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.e2e.plant_seeds"],
        cwd=ROOT,
        env={**os.environ, "KINDRED_VAR": str(site.var), "DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()[-1]


def test_one_protocol_is_ranked_and_its_seeds_open(page: Page, site: Site, planted: str) -> None:
    sign_in(page, site, "admin")
    page.goto(f"{site.address}/leaderboard/")
    expect(page.locator("[data-answer]").first).to_contain_text("highest MAP@R")
    page.get_by_role("navigation", name="Protocol of").get_by_role("link", name="three seeds").click()
    page.wait_for_url("**protocol=three+seeds")
    rows = page.locator("tr.board-row")
    expect(rows).to_have_count(2)
    expect(rows.first.locator(".board-rank")).to_have_text(
        "1", timeout=60_000
    )  # the page loads the test's result itself
    expect(rows.first).to_contain_text("no significant difference to the best")
    expect(page.locator("[data-answer]")).to_contain_text("SoftTriple")
    seeds = page.locator("details[data-seeds]").first
    expect(seeds.locator("li").first).to_be_hidden()
    seeds.locator("summary").click()
    expect(seeds.locator("li")).to_have_count(3)
    assert faults_of(page) == []


@pytest.mark.both_widths
def test_the_important_columns_are_in_view_on_a_phone(page: Page, site: Site) -> None:
    page.goto(f"{site.address}/leaderboard/")
    width = page.viewport_size["width"] if page.viewport_size else 0
    for cell in (".board-rank", ".board-headline", "[data-label='Blind rating, 1–5']", "[data-label='Ratings']"):
        box = page.locator(f"tr.board-row {cell}").first.bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= width, cell
    assert faults_of(page) == []


@pytest.mark.both_widths
def test_the_leaderboard_leads_to_its_audit(page: Page, site: Site, planted: str) -> None:
    sign_in(page, site, "admin")
    page.goto(f"{site.address}/leaderboard/?dataset=wings&protocol=three+seeds")
    expect(page.locator("[data-live=ballots-wings]")).to_have_text("180")
    rows = page.locator("tr.board-row")
    for row in rows.all():
        expect(row.locator("[data-live^=human-]")).to_contain_text(re.compile(r"\d\.\d\d–\d\.\d\d"))
        expect(row.locator("[data-live^=people-rank-]")).to_have_text("1–2")
    expect(page.locator("[data-enough]")).to_contain_text(re.compile(r"undecided: it takes about \d+"))
    expect(page.get_by_role("heading", name="Which metric predicts people best")).to_be_visible()
    expect(page.locator("[data-best-metric]")).to_contain_text("of the query predicts people best")
    metrics = page.get_by_role("region", name="Table: metrics as predictors of people on")
    expect(metrics.locator("tbody tr").first).to_contain_text(re.compile(r"\d+\.\d–\d+\.\d"))
    expect(page.locator("[data-metrics-withheld]")).to_have_count(0)
    assert faults_of(page) == []
    page.get_by_role("link", name="Audit of the ratings").click()
    page.wait_for_url("**/leaderboard/audit/**")
    expect(page.locator("[data-audit=wings]").first).to_contain_text("Sampling")
    expect(page.get_by_role("region", name="Table: sampling of models").first).to_be_visible()
    for title in ("Mean rating", "Difference of the two first"):
        drawing = page.get_by_role("img", name=f"{title}, period by period")
        expect(drawing).to_be_visible()
        assert drawing.locator("circle").count() > 1 and drawing.locator("line").count() > 1
        expect(page.get_by_role("region", name=f"Table: {title}")).to_be_visible()
    assert faults_of(page) == []
    page.get_by_role("link", name="See the table").first.click()
    page.wait_for_url("**/leaderboard/?dataset=wings**")


def test_the_table_is_copied_for_slides(context: BrowserContext, page: Page, site: Site) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{site.address}/leaderboard/")
    page.locator("summary", has_text="Markdown").click()
    page.get_by_role("button", name="Copy Markdown").click()
    expect(page.locator("[data-copied]").first).to_have_text("Copied")
    assert "| Rank | Loss |" in page.evaluate("navigator.clipboard.readText()")
    page.locator("summary", has_text="BibTeX").click()
    expect(page.locator("#copy-bibtex")).to_contain_text("@misc{kindred-wings")
    page.locator("summary", has_text="Use it from a program").click()
    expect(page.locator("main")).to_contain_text("pandas.read_csv")
    assert faults_of(page) == []


def send(page: Page, *values: int) -> None:
    """Rate the columns from the left, and send them."""
    for column, value in zip(page.locator("[data-column]").all(), values, strict=False):
        column.locator("label").nth(value - 1).click()
    page.locator("button[data-submit]").click()


def test_a_rating_is_skipped_changed_shown_and_withdrawn(page: Page, site: Site) -> None:
    page.add_init_script(SHIFTS)
    sign_up(page, site)
    page.goto(f"{site.address}/rate/")
    page.wait_for_load_state("networkidle")
    assert page.evaluate("window.shifted") < 0.05
    first = page.locator("img.query-picture").get_attribute("src")
    page.get_by_role("button", name="Skip").click()
    expect(page.locator("main")).to_contain_text("comes back after all others")
    expect(page.locator("main")).to_contain_text("1 skipped")
    assert page.locator("img.query-picture").get_attribute("src") != first

    send(page, 4)
    expect(page.locator("[data-missing]").nth(1)).to_be_visible()
    expect(page.locator("[data-column]").nth(1).locator("input").first).to_be_focused()
    page.locator("[data-column]").nth(1).locator("label").nth(1).click()
    expect(page.locator("[data-missing]").nth(1)).to_be_hidden()
    page.locator("button[data-submit]").click()
    expect(page.locator("h1")).to_have_text("Check your ratings")
    assert not [name for name in NAMES if name in page.content()]
    assert faults_of(page) == []

    page.get_by_role("link", name="Change ratings").click()
    expect(page.locator("[data-column]").nth(0).locator("input[value='4']")).to_be_checked()
    page.locator("[data-column]").nth(0).locator("label").nth(0).click()
    page.locator("button[data-submit]").click()
    expect(page.locator(".score-given").nth(0)).to_have_text("1 of 5")
    page.get_by_role("button", name="Show names").click()
    page.wait_for_url("**/rate/*-*/")
    expect(page.get_by_text("your rating: 1 of 5")).to_be_visible()
    assert page.evaluate("window.shifted") < 0.05
    assert faults_of(page) == []
    confirm(page, "Withdraw this rating")
    page.wait_for_url("**/rate/")
    expect(page.locator("main")).to_contain_text("0 of 149 rated, 1 skipped")


@pytest.mark.both_widths
def test_the_query_stays_in_view_and_pictures_open_in_large(page: Page, site: Site) -> None:
    sign_up(page, site)
    page.goto(f"{site.address}/rate/")
    page.locator("[data-column] li").last.scroll_into_view_if_needed()
    query, bar = page.locator("img.query-picture").bounding_box(), page.locator(".ballot-send").bounding_box()
    last = page.locator("[data-column] li .photo").last
    assert query is not None and bar is not None and 0 <= query["y"] < 300 and bar["height"] < 110
    left, right = (page.locator("[data-column]").nth(at).bounding_box() for at in (0, 1))
    assert left is not None and right is not None and left["y"] == right["y"]
    page.mouse.wheel(0, 2000)
    last.click()
    large = page.locator("[data-zoom-dialog] img")
    expect(large).to_be_visible()
    expect(large).to_have_js_property("complete", True)
    assert not [name for name in NAMES if name in page.content()]
    page.keyboard.press("Escape")
    expect(large).to_be_hidden()
    assert faults_of(page) == []


def test_a_report_has_a_chart_numbers_and_texts_to_copy(
    context: BrowserContext, page: Page, site: Site, planted: str
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    sign_in(page, site, "admin")
    page.goto(f"{site.address}/lab/experiments/{planted}/report/")
    if page.get_by_role("button", name="Create report").count():
        page.get_by_role("button", name="Create report").click()
    expect(page.locator("ol.forest li:not(.forest-scale)")).to_have_count(2, timeout=90_000)
    matrix = page.get_by_role("region", name="Table: statistical significance")
    expect(matrix.locator("td.significant").first).to_contain_text("p <.001")
    expect(matrix.locator("td.significant").first).to_contain_text("+")
    page.locator("summary", has_text="Markdown").click()
    page.get_by_role("button", name="Copy Markdown").click()
    expect(page.locator("[data-copied]").first).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()").startswith("| # | loss |")
    for suffix in ("PNG", "SVG", "MD"):
        with page.expect_download() as kept:
            page.get_by_role("link", name=suffix, exact=True).click()
        assert kept.value.suggested_filename == f"three-seeds.{suffix.lower()}"
    assert faults_of(page) == []
