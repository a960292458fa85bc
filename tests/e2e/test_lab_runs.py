"""A curator starts an experiment, watches it, cancels, duplicates it, compares runs, rolls an index back.

Its models stay unpublished: nobody who searches or rates meets them.
"""

import re
import uuid

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Site, watched
from tests.e2e.people import faults_of, sign_in

pytestmark = pytest.mark.e2e
TINY = "short_side=32\ncrop=32\nbatch_size=16\ndim=16"
SOON = 20_000  # ms
PATIENCE = 300_000  # of a training, on a busy machine


@pytest.fixture(scope="module")
def tiny(browser: Browser, site: Site) -> str:
    """Import a data set small enough to train on while somebody waits; return its name."""
    name = f"Walked {uuid.uuid4().hex[:8]}"
    page = watched(browser.new_context())
    sign_in(page, site, "admin")
    page.goto(f"{site.address}/lab/import/")
    page.fill("input[name=name]", name)
    page.fill("input[name=source]", "wings:species=8,per_class=6,size=32,seed=5")
    page.click("button[value=import]")
    expect(page.locator("#job-status .state-succeeded")).to_be_visible(timeout=PATIENCE)
    page.context.close()
    return name


def fill_in(page: Page, site: Site, tiny: str, epochs: int, *losses: str) -> str:
    """Fill the form of a new experiment in; return the experiment's name."""
    name = f"Walk {uuid.uuid4().hex[:8]}"
    page.goto(f"{site.address}/lab/experiments/new/")
    page.fill("input[name=name]", name)
    page.select_option("select[name=dataset]", label=tiny)
    page.select_option("select[name=preset]", "demo")
    expect(page.locator("input[name=publish]")).not_to_be_checked()
    page.select_option("select[name=weights]", "")
    page.click("details.advanced > summary")
    page.fill("textarea[name=changes]", f"{TINY}\nepochs={epochs}")
    for box in page.locator("input[name=losses]").all():
        box.set_checked(box.get_attribute("value") in losses)
    return name


def start(page: Page) -> None:
    page.get_by_role("button", name="Start training").click()
    page.wait_for_url(re.compile(r"/lab/experiments/\d+/$"))


def test_an_experiment_is_estimated_watched_compared_and_its_index_rolled_back(
    page: Page, site: Site, tiny: str
) -> None:
    sign_in(page, site, "admin")
    name = fill_in(page, site, tiny, 2, "soft_triple", "multi_similarity")
    expect(page.locator("[data-estimate]")).to_contain_text("About", timeout=PATIENCE)
    assert faults_of(page) == []
    start(page)
    expect(page.locator("h1")).to_have_text(name)
    expect(page.get_by_text("Estimated", exact=True)).to_be_visible()
    assert "about" in page.locator("dl.facts").first.inner_text()

    expect(page.locator("pre.log")).to_contain_text("begins", timeout=PATIENCE)  # it moves without a reload
    expect(page.locator(".state-succeeded")).to_have_count(2, timeout=PATIENCE)
    expect(page.locator("[data-curve=loss] canvas")).to_be_visible()
    assert page.evaluate("Chart.getChart(document.querySelector('[data-curve=loss] canvas')).data.datasets.length") == 2
    page.reload()
    assert faults_of(page) == []

    for box in page.locator("input[name=run]").all():
        box.check()
    page.get_by_role("button", name="Compare selected runs").click()
    page.wait_for_url("**/lab/compare/**")
    expect(page.locator("tr.differs").first).to_contain_text("differs")
    expect(page.locator("tr.differs")).to_have_count(2)
    page.get_by_role("button", name="Compute differences").click()
    expect(page.locator("[data-conclusion]").first).to_be_visible(timeout=PATIENCE)
    assert faults_of(page) == []

    page.get_by_role("link", name=re.compile("^Run ")).first.click()
    expect(page.locator("pre.log")).to_contain_text("epoch 2 of 2")
    expect(page.locator("[data-curve=speed] canvas")).to_be_visible()
    assert faults_of(page) == []
    page.get_by_role("link", name="Open model").click()
    roll_back(page)
    assert faults_of(page) == []


def roll_back(page: Page) -> None:
    """Build a second index of the model on the page, and switch back to the first."""
    model = page.url
    expect(page.locator("section[aria-labelledby=files-title]")).to_contain_text("model.safetensors")
    expect(page.locator("section[aria-labelledby=files-title] code").first).to_have_text(re.compile("^[0-9a-f]{64}$"))
    indexes = page.locator("section[aria-labelledby=indexes-title] tbody tr")
    for _ in range(30):  # the first is built after the training has ended
        if indexes.count():
            break
        page.wait_for_timeout(2000)
        page.reload()
    page.get_by_role("button", name="Build index").click()
    page.wait_for_url("**/jobs/*/")
    expect(page.locator("#job-status .state-succeeded")).to_be_visible(timeout=PATIENCE)
    page.locator("#job-status a", has_text="Model").click()
    page.wait_for_url(model)
    expect(indexes).to_have_count(2)
    expect(indexes.nth(0)).to_contain_text("active")
    indexes.nth(1).get_by_role("button", name=re.compile("^Activate")).click()
    expect(indexes.nth(1)).to_contain_text("active", timeout=SOON)
    expect(page.locator(".message")).to_contain_text("is active")


def test_an_experiment_is_cancelled_and_duplicated(page: Page, site: Site, tiny: str) -> None:
    sign_in(page, site, "admin")
    name = fill_in(page, site, tiny, 400, "soft_triple")
    start(page)
    experiment = page.url
    expect(page.locator("tbody .state-running")).to_be_visible(timeout=PATIENCE)
    page.get_by_role("button", name=re.compile("^Cancel SoftTriple")).click()
    page.wait_for_load_state()
    assert page.url == experiment, "one keeps one's place"
    expect(page.locator("tbody .state-cancelled")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("button", name=re.compile("^Retry SoftTriple"))).to_be_visible()
    assert faults_of(page) == []

    page.get_by_role("link", name="Duplicate experiment").click()
    expect(page.locator("input[name=name]")).to_have_value(f"{name} (copy)")
    changes = page.locator("textarea[name=changes]").input_value().splitlines()
    assert set(changes) == {*TINY.splitlines(), "epochs=400"}
    expect(page.locator("input[name=losses]:checked")).to_have_count(1)
    expect(page.locator("input[name=publish]")).not_to_be_checked()
    assert faults_of(page) == []


def test_what_cannot_be_compared_says_so_and_shows_the_way(page: Page, site: Site) -> None:
    sign_in(page, site, "admin")
    page.goto(f"{site.address}/lab/")
    page.get_by_role("button", name="Compare selected models").click()
    expect(page.locator("main")).to_contain_text("Select 2 to 12 runs to compare; you selected 0.")
    page.get_by_role("link", name="Open the lab").click()
    expect(page.locator("h1")).to_have_text("Lab")
    assert faults_of(page) == []
