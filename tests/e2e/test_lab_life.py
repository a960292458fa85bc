"""A curator starts an experiment, publishes a model after a look, reads the notice, and deletes it all."""

import re
import uuid
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Site
from tests.e2e.people import faults_of, sign_in

pytestmark = pytest.mark.e2e
PATIENCE = 300_000  # of a training, on a busy machine


def import_drawn(page: Page, site: Site) -> str:
    """Import a tiny data set; return its name."""
    name = f"Life {uuid.uuid4().hex[:8]}"
    page.goto(f"{site.address}/lab/import/")
    page.fill("input[name=name]", name)
    page.fill("input[name=source]", f"wings:species=8,per_class=6,size=32,seed={uuid.uuid4().int % 1000}")
    page.click("button[value=import]")
    expect(page.locator("#job-status .state-succeeded")).to_be_visible(timeout=PATIENCE)
    return name


def test_a_trial_is_started_published_and_deleted(page: Page, site: Site) -> None:
    sign_in(page, site, "admin")
    name = import_drawn(page, site)
    expect(page.locator("#job-status dt", has_text="Finished")).to_be_visible()
    assert faults_of(page) == []
    page.route("**/estimate*", lambda route: route.fulfill(status=204))  # test_lab_runs waits for one; here is no need
    page.get_by_role("link", name="Train on it").click()
    expect(page.locator("select[name=dataset] option:checked")).to_have_text(re.compile(name))
    expect(page.locator("input[name=publish]")).not_to_be_checked()
    expect(page.get_by_role("button", name="Start training")).to_be_in_viewport()
    expect(page.locator("input[name=losses]:checked")).to_have_count(4)
    family = page.get_by_role("group", name="Triplets")
    family.get_by_role("button").click()
    expect(page.locator("input[name=losses]:checked")).to_have_count(9)
    family.get_by_role("button").click()
    page.get_by_label("Multi-Similarity", exact=True).uncheck()
    page.locator("input[value=half_whitened_pca]").uncheck()
    assert faults_of(page) == []
    page.get_by_role("button", name="Start training").click()
    page.wait_for_url(re.compile(r"/lab/experiments/\d+/$"))
    expect(page.locator("h1")).to_contain_text(f"on {name}")
    expect(page.locator("tbody .state-succeeded")).to_have_count(2, timeout=PATIENCE)

    best = page.get_by_role("button", name=re.compile("^Publish the best"))
    for _ in range(60):  # the index is built after the training
        page.reload()
        if best.count():
            break
        page.wait_for_timeout(1000)
    best.click()
    expect(page.locator(".message")).to_contain_text("is published")
    page.get_by_role("button", name=re.compile("^Unpublish")).click()
    expect(page.locator(".message")).to_contain_text("not published any more")
    assert faults_of(page) == []

    page.get_by_role("link", name="Delete or archive").click()
    expect(page.locator("#going")).to_contain_text("2 models")
    assert faults_of(page) == []
    page.get_by_role("button", name="Delete experiment").click()
    expect(page.locator("#job-status .state-succeeded")).to_be_visible(timeout=PATIENCE)
    page.goto(f"{site.address}/lab/experiments/?q={name}")
    expect(page.locator("main")).to_contain_text("No experiments match")
    page.goto(f"{site.address}/datasets/{name.lower().replace(' ', '-')}/")
    page.goto(f"{site.address}/lab/datasets/{name.lower().replace(' ', '-')}/delete/")
    page.get_by_role("button", name="Delete data set").click()
    expect(page.locator("#job-status .state-succeeded")).to_be_visible(timeout=PATIENCE)


def archive_with_a_name_twice(folder: Path) -> Path:
    """Write an archive that holds one picture's name twice."""
    data = BytesIO()
    Image.new("RGB", (40, 40), "red").save(data, "PNG")
    file = folder / "twice.zip"
    with zipfile.ZipFile(file, "w") as archive, pytest.warns(UserWarning):
        for name in ("moth/1.png", "moth/2.png", "moth/1.png"):
            archive.writestr(name, data.getvalue())
    return file


def test_a_failed_import_says_what_to_do_and_gives_a_notice(page: Page, site: Site, tmp_path: Path) -> None:
    sign_in(page, site, "admin")
    page.goto(f"{site.address}/me/notices/")
    if page.get_by_role("button", name="Mark all as read").count():
        page.get_by_role("button", name="Mark all as read").click()
    page.goto(f"{site.address}/lab/import/")
    page.fill("input[name=name]", f"Twice {uuid.uuid4().hex[:8]}")
    page.set_input_files("input[name=archive]", archive_with_a_name_twice(tmp_path))
    page.click("button[value=import]")
    page.wait_for_url(re.compile(r"/jobs/\d+/$"))
    job = page.url
    page.goto(f"{site.address}/lab/jobs/?state=failed")
    for _ in range(60):
        if page.locator("a.notice-count").count():
            break
        page.wait_for_timeout(1000)
        page.reload()
    page.locator("a.notice-count").click()
    expect(page.locator("h1")).to_have_text("Notices")
    assert faults_of(page) == []
    page.locator(".notice.unread button").first.click()
    page.wait_for_url(job)
    expect(page.locator("#job-status [role=alert]")).to_contain_text("twice")
    expect(page.locator("#retry-job")).to_have_count(0)
    expect(page.locator("a.notice-count")).to_have_count(0)
    assert faults_of(page) == []
    page.get_by_role("link", name="Send another archive").click()
    expect(page.locator("h1")).to_have_text("Import a data set")
