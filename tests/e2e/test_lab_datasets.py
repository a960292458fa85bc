"""A curator brings pictures in, mends them, and clears away what nothing needs."""

import re
import uuid
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Site
from tests.e2e.people import confirm, faults_of, sign_in
from tests.retrieval.pictures import jpeg, zipped

pytestmark = pytest.mark.e2e
SMALL = "wings:species=8,per_class=6,size=32,seed=3"


def finished(page: Page) -> None:
    """Wait on a job's page until it has succeeded."""
    expect(page.locator("#job-status .state-succeeded")).to_be_visible(timeout=120_000)


def imported(page: Page, site: Site, **fields: str) -> str:
    """Import a data set of its own; return its address, on whose page one then is."""
    name = f"Own {uuid.uuid4().hex[:8]}"
    page.goto(f"{site.address}/lab/import/")
    page.fill("input[name=name]", name)
    for field, value in fields.items():
        page.fill(f"input[name={field}]", value)
    page.click("button[value=import]")
    finished(page)
    page.goto(f"{site.address}/datasets/{name.lower().replace(' ', '-')}/")
    expect(page.locator("h1")).to_have_text(name)
    return page.url


def tool(page: Page, address: str, name: str) -> None:
    page.goto(address)
    page.get_by_role("link", name=name, exact=True).click()
    page.wait_for_url("**/lab/datasets/**")
    page.wait_for_load_state()
    assert faults_of(page) == []


def deleted(page: Page, address: str) -> None:
    tool(page, address, "Delete data set")
    page.get_by_role("button", name="Delete data set").click()
    finished(page)
    answer = page.goto(address)
    assert answer is not None and answer.status == 404
    page.complaints.clear()  # type: ignore[attr-defined]  # the browser says of a 404 that it is one


def test_a_curator_mends_a_set_picture_by_picture(page: Page, site: Site) -> None:
    sign_in(page, site, "admin")
    address = imported(page, site, source=SMALL, licence="CC0", attribution="Drawn here")
    expect(page.locator("main")).to_contain_text("Drawn here")

    tool(page, address, "Hide or relabel pictures")
    boxes = page.locator("input[name=image]")
    expect(boxes).to_have_count(48)
    boxes.nth(0).check()
    boxes.nth(2).click(modifiers=["Shift"])
    expect(page.locator("[data-chosen]")).to_have_text("3 selected.")
    page.get_by_role("button", name="Hide", exact=True).click()
    expect(page.locator(".message")).to_contain_text("3 pictures were hidden")
    page.select_option("select[name=shown]", "hidden")
    page.get_by_role("button", name="Filter").click()
    expect(boxes).to_have_count(3)
    page.get_by_role("button", name="Select all on this page").click()
    page.get_by_role("button", name="Unhide").click()
    expect(page.locator(".message")).to_contain_text("3 pictures were unhidden")

    page.get_by_role("link", name="Show all pictures").click()
    boxes.nth(47).check()
    page.get_by_text("Move to a class").click()
    page.fill("input[name=name]", "Nobody")
    page.get_by_role("button", name="Move to class").click()
    expect(page.locator(".message.error")).to_contain_text("no class 'Nobody'")
    assert page.complaints  # type: ignore[attr-defined]  # that the answer is a 400
    page.complaints.clear()  # type: ignore[attr-defined]
    expect(boxes.nth(47)).to_be_checked()
    page.select_option("select[name=split]", "test")
    page.get_by_role("button", name="Move to class").click()
    expect(page.locator(".message")).to_contain_text("1 picture was moved to Nobody")

    tool(page, address, "Rename or merge classes")
    page.get_by_role("link", name=re.compile("Rename or merge .?Nobody")).locator("bdi").click()
    page.wait_for_url("**/classes/8/")
    page.wait_for_load_state()
    assert faults_of(page) == []
    page.fill("input[name=name]", "Somebody")
    page.get_by_role("button", name="Rename class").click()
    expect(page.locator(".message")).to_contain_text("Nobody was renamed to Somebody")
    page.get_by_role("link", name=re.compile("Rename or merge .?Somebody")).locator("bdi").click()
    page.fill("input[name=into]", page.locator("#class-names option").nth(7).get_attribute("value") or "")
    confirm(page, "Merge classes")
    expect(page.locator(".message")).to_contain_text("1 picture was moved")
    expect(page.get_by_role("link", name=re.compile("Rename or merge .?Somebody"))).to_have_count(0)

    tool(page, address, "Licence and attribution")
    page.fill("input[name=attribution]", "Drawn by Kindred")
    page.get_by_role("button", name="Save changes").click()
    expect(page.locator("main")).to_contain_text("Drawn by Kindred")
    page.locator("summary", has_text="revisions").click()
    expect(page.locator("main")).to_contain_text("1 picture moved to Nobody")
    assert faults_of(page) == []
    deleted(page, address)


def test_a_set_grows_and_is_read_again(page: Page, site: Site, tmp_path: Path) -> None:
    sign_in(page, site, "admin")
    address = imported(page, site, source=SMALL)
    photos = [tmp_path / f"{number}.jpg" for number in (1, 2)]
    for number, photo in enumerate(photos):
        photo.write_bytes(jpeg(number, (64, 64)))
    tool(page, address, "Add pictures")
    page.set_input_files("input[name=files]", photos)
    page.fill("input[name=name]", "Visitors")
    page.select_option("select[name=split]", "train")
    page.click("button[data-submit]")
    finished(page)
    expect(page.locator("#job-status")).to_contain_text("2 added")

    tool(page, address, "Import again")
    page.click("button[data-submit]")
    finished(page)
    expect(page.locator("#job-status")).to_contain_text("48 unchanged, 0 moved, 0 new, 0 hidden")
    page.goto(address)
    expect(page.locator("main")).to_contain_text("50")
    assert faults_of(page) == []
    deleted(page, address)


def test_pictures_without_labels_are_searched_by_another_sets_model(page: Page, site: Site, tmp_path: Path) -> None:
    sign_in(page, site, "admin")
    box = tmp_path / "box.zip"
    box.write_bytes(zipped({f"{number}.jpg": jpeg(number, (160, 160)) for number in range(4)}))
    name = f"Box {uuid.uuid4().hex[:8]}"
    page.goto(f"{site.address}/lab/import/")
    page.fill("input[name=name]", name)
    page.set_input_files("input[name=archive]", box)
    page.check("input[name=unlabelled]")
    page.click("button[value=import]")
    finished(page)
    address = f"{site.address}/datasets/{name.lower().replace(' ', '-')}/"

    tool(page, address, "Search indexes")
    page.select_option("select[name=model]", index=0)
    page.click("button[data-submit]")
    finished(page)
    tool(page, address, "Search indexes")
    expect(page.locator("table")).to_contain_text("Wings")
    page.goto(address)
    assert faults_of(page) == []

    page.goto(f"{site.address}/")
    page.click("#options > summary")
    for one in (name, "Wings"):
        page.get_by_role("checkbox", name=one, exact=False).first.check()
    page.locator("[data-quick-pick]").first.click()
    page.wait_for_url("**/searches/*/")
    expect(page.locator("#summary")).to_contain_text("Wings")
    expect(page.locator("#summary")).to_contain_text(name)
    expect(page.locator("main")).to_contain_text(f"{name} is not searchable with this model")
    assert faults_of(page) == []
    deleted(page, address)


# --- the preview of an import


def previewed(page: Page, site: Site, tmp_path: Path, files: dict[str, bytes]) -> None:
    """Send an archive and wait for its preview, whose page must be without faults."""
    archive = tmp_path / f"Download {uuid.uuid4().hex[:8]}.zip"
    archive.write_bytes(zipped(files))
    page.goto(f"{site.address}/lab/import/")
    page.set_input_files("input[name=archive]", archive)
    page.get_by_role("button", name="Preview", exact=True).click()
    shown(page)


def shown(page: Page) -> None:
    """Wait until a preview is there, and look at it as wide as a phone and as a desk."""
    expect(page.get_by_role("heading", name="Classes", exact=True)).to_be_visible(timeout=120_000)
    before = page.viewport_size
    for width in (360, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        assert faults_of(page) == []
    if before:
        page.set_viewport_size(before)


def previewed_again(page: Page, **choices: str) -> None:
    """Choose something about the layout, and wait for the preview of that."""
    before = page.url
    for field, value in choices.items():
        page.select_option(f"select[name={field}]", value)
    page.get_by_role("button", name="Preview again").click()
    expect(page).not_to_have_url(before)
    shown(page)


def names(page: Page) -> list[str]:
    """Return the names of the classes of a preview."""
    return [box.input_value() for box in page.locator("input[name=class_name]").all()]


def photos(*folders: str) -> dict[str, bytes]:
    """Return three pictures, none like another, in each folder."""
    return {
        f"{folder}/{number}.jpg": jpeg(100 + 3 * place + number, (96, 96))
        for place, folder in enumerate(folders)
        for number in range(3)
    }


def test_a_kaggle_download_is_recognised_before_it_is_imported(page: Page, site: Site, tmp_path: Path) -> None:
    sign_in(page, site, "admin")
    halves = [f"archive/{half}/{name}" for half, of in (("train", "abc"), ("test", "de")) for name in of]
    stray = {"archive/train/preview.jpg": jpeg(7), "archive/notes.txt": b"read me"}
    previewed(page, site, tmp_path, photos(*halves) | stray)
    assert names(page) == ["a", "b", "c", "d", "e"]
    expect(page.locator("dl.facts")).to_contain_text("9 of 3 classes")
    expect(page.locator("dl.facts")).to_contain_text("6 of 2 classes")
    page.get_by_text("2 files left out").click()
    expect(page.locator("main")).to_contain_text("preview.jpg")

    page.locator("input[name=class_name]").first.fill("Adonis")
    name = page.input_value("input[name=name]")
    assert name.startswith("Download ")
    page.get_by_role("button", name="Import data set").click()
    finished(page)
    address = f"{site.address}/datasets/{name.lower().replace(' ', '-')}/"
    page.goto(address)
    expect(page.locator("main")).to_contain_text("Adonis")
    deleted(page, address)


@pytest.mark.full  # on every change the walk of a Kaggle download, and tests.cases
def test_nested_folders_offer_their_levels(page: Page, site: Site, tmp_path: Path) -> None:
    sign_in(page, site, "admin")
    folders = ["Birds/wren", "Birds/robin", "Fish/cod", "Fish/eel", "Insects/bee", "Insects/ant"]
    previewed(page, site, tmp_path, photos(*folders))
    assert names(page) == ["ant", "bee", "cod", "eel", "robin", "wren"]
    expect(page.locator("select[name=level]")).to_contain_text("Level 1: 3 classes (Birds, Fish, Insects)")
    previewed_again(page, level="1")
    assert names(page) == ["Birds", "Fish", "Insects"]
    expect(page.locator("main")).to_contain_text("only 1 class is held out", ignore_case=True)
    expect(page.locator("select[name=level]")).to_have_value("1")
    page.get_by_role("button", name="Delete upload").click()
    expect(page.locator("h1")).to_have_text("Import a data set")


@pytest.mark.full  # on every change the walk of a Kaggle download, and tests.cases
def test_a_table_of_labels_offers_its_columns(page: Page, site: Site, tmp_path: Path) -> None:
    sign_in(page, site, "admin")
    pictures = photos("images")
    pictures |= {f"images/{number}.jpg": jpeg(number, (96, 96)) for number in range(3, 12)}
    rows = [f"{number}.jpg,species {number % 4},place {number % 3}" for number in range(12)]
    table = "\n".join(["filename,label,place", *rows]).encode()
    previewed(page, site, tmp_path, pictures | {"labels.csv": table})
    assert names(page) == [f"species {number}" for number in range(4)]
    expect(page.locator("select[name=label_column]")).to_contain_text("place")
    previewed_again(page, label_column="place")
    assert names(page) == [f"place {number}" for number in range(3)]
    expect(page.locator("select[name=label_column]")).to_have_value("place")
    page.get_by_role("button", name="Delete upload").click()
    expect(page.locator("h1")).to_have_text("Import a data set")


def test_a_set_that_is_needed_says_by_what(page: Page, site: Site) -> None:
    sign_in(page, site, "admin")
    tool(page, f"{site.address}/datasets/wings/", "Delete data set")
    expect(page.locator("main")).to_contain_text("Model SoftTriple")
    expect(page.get_by_role("button", name="Delete data set")).to_have_count(0)


def test_used_space_and_unused_files_are_shown(page: Page, site: Site) -> None:
    sign_in(page, site, "admin")
    page.goto(f"{site.address}/lab/")
    page.get_by_role("link", name="Storage").click()
    expect(page.locator("main")).to_contain_text("Wings")
    expect(page.locator("main")).to_contain_text("Measured")
    page.get_by_role("link", name="Measure again").click()
    page.wait_for_url("**/?fresh")
    page.wait_for_load_state()
    expect(page.locator("#collect-title")).to_be_visible()
    assert faults_of(page) == []
