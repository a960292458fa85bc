"""How a search begins: two taps on a phone, several pictures at once, without an account; and what goes wrong."""

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpcore
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from retrieval.search.services import url_fetch
from tests.conftest import PASSWORD
from tests.e2e.conftest import Site, watched
from tests.e2e.people import faults_of, sign_up
from tests.retrieval.pictures import jpeg
from tests.retrieval.world import World

pytestmark = pytest.mark.e2e

RESULTS = "**/searches/*-*/"


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    """A page of a phone with a touch screen."""
    context = browser.new_context(viewport={"width": 360, "height": 800}, has_touch=True, is_mobile=True)
    yield watched(context)
    context.close()


def sends(route: Route) -> bool:
    return route.request.method == "POST"


def test_a_phone_needs_two_taps_from_the_photo_to_the_prediction(phone: Page, site: Site, photo: Path) -> None:
    sign_up(phone, site)
    ways = [phone.get_by_text(name, exact=True) for name in ("Take a photo", "Choose a picture")]
    for way in ways:
        box = way.bounding_box()
        assert box is not None and box["height"] >= 44 and box["y"] + box["height"] < 800
    expect(phone.get_by_text("drop pictures")).to_be_hidden()
    assert faults_of(phone) == []
    with phone.expect_file_chooser() as chooser:
        ways[0].tap()  # the first tap; the second releases the camera
    assert not chooser.value.is_multiple()
    chooser.value.set_files(photo)
    phone.wait_for_url(RESULTS)
    expect(phone.locator(".prediction").first).to_be_visible()


def test_a_search_that_takes_its_time_says_so(page: Page, site: Site, photo: Path) -> None:
    sign_up(page, site)
    arrived = threading.Event()

    def hold(route: Route) -> None:
        if sends(route):
            expect(page.locator("[data-going]")).to_have_text("Searching…")
            arrived.set()
        route.continue_()

    page.route("**/", hold)
    page.set_input_files("#id_picture", photo)
    page.wait_for_url(RESULTS)
    assert arrived.is_set()


def test_a_lost_connection_keeps_the_picture_and_one_tap_tries_again(page: Page, site: Site, photo: Path) -> None:
    sign_up(page, site)
    page.route("**/", lambda route: route.abort() if sends(route) else route.continue_())
    page.set_input_files("#id_picture", photo)
    expect(page.get_by_role("alert")).to_contain_text("still here")
    expect(page.locator("[data-chosen]")).to_contain_text("my butterfly.jpg")
    search = page.locator("form.search button[data-submit]")
    expect(search).to_be_focused()
    page.unroute("**/")
    search.click()
    page.wait_for_url(RESULTS)


@pytest.mark.both_widths
def test_errors_are_named_focused_and_leave_the_picture(page: Page, site: Site, photo: Path) -> None:
    sign_up(page, site)
    page.check("#crop-first")
    page.set_input_files("#id_picture", photo)
    text = {"name": "notes.pdf", "mimeType": "application/pdf", "buffer": b"no picture"}
    page.set_input_files("#id_picture", [text])
    wrong = page.locator(".errorlist")
    expect(wrong).to_contain_text("notes.pdf is not a picture")
    expect(wrong).to_contain_text("Still selected: my butterfly.jpg")
    expect(wrong).to_be_focused()
    expect(page.locator("[data-chosen]")).to_contain_text("my butterfly.jpg")
    assert faults_of(page) == []

    page.click("#options > summary")
    page.fill("#id_k", "1000")
    page.click("#options > summary")
    page.click("form.search button[data-submit]")
    expect(wrong).to_contain_text("less than or equal to 100")
    expect(wrong).to_be_focused()
    expect(wrong).to_be_in_viewport()
    expect(page.locator("#options")).to_have_attribute("open", "")
    page.fill("#id_k", "5")
    page.click("form.search button[data-submit]")
    page.wait_for_url(RESULTS)
    expect(page.locator("li.answer")).to_have_count(10)


def test_the_two_best_models_are_selected_and_all_are_one_click_away(page: Page, site: Site) -> None:
    sign_up(page, site)
    page.click("#options > summary")
    expect(page.locator("input[name=models]:checked")).to_have_count(2)
    expect(page.locator("#other-models")).not_to_have_attribute("open", "")
    page.check("#all-models")
    every = page.locator("input[name=models]").count()
    assert faults_of(page) == []
    page.locator("[data-quick-pick]").first.click()
    page.wait_for_url(RESULTS)
    expect(page.locator("section.column")).to_have_count(every)


def test_several_pictures_are_searched_each_and_shown_together(page: Page, site: Site, photo: Path) -> None:
    sign_up(page, site)
    data = photo.read_bytes()
    files = [{"name": f"{name}.jpg", "mimeType": "image/jpeg", "buffer": data} for name in "ab"]
    broken = {"name": "broken.jpg", "mimeType": "image/jpeg", "buffer": data[:200]}
    page.set_input_files("#id_picture", [*files, broken])
    page.wait_for_url("**/searches/batch/?search=*")
    expect(page.locator(".batch-row")).to_have_count(2)
    expect(page.get_by_role("alert")).to_contain_text("broken.jpg")
    assert faults_of(page) == []
    page.get_by_role("link", name="See all results").first.click()
    page.wait_for_url(RESULTS)


def test_a_visitor_tries_pictures_without_an_account(page: Page, site: Site) -> None:
    page.goto(f"{site.address}/")
    assert faults_of(page) == []
    page.locator("figure.example a").first.click()
    page.wait_for_url("**/try/*/")
    expect(page.locator("section.column")).to_have_count(2)
    expect(page.locator(".prediction").first).to_be_visible()
    assert faults_of(page) == []
    before = page.url
    page.locator("li.answer a.photo").first.click()
    page.wait_for_url(lambda address: "/try/" in address and address != before)
    page.get_by_role("link", name="Sign up to search").click()
    page.wait_for_url("**/accounts/signup/")


def test_without_scripts_an_ordinary_button_searches(browser: Browser, site: Site, photo: Path, page: Page) -> None:
    email, password = sign_up(page, site)
    context = browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 800})
    plain = context.new_page()
    plain.goto(f"{site.address}/accounts/login/")
    plain.fill("input[name=login]", email)
    plain.fill("input[name=password]", password)
    plain.click("main form button:not(.link)")
    plain.set_input_files("#id_picture", photo)
    plain.get_by_role("button", name="Search", exact=True).click()
    plain.wait_for_url(RESULTS)
    plain.goto(f"{site.address}/")
    text = {"name": "notes.pdf", "mimeType": "application/pdf", "buffer": b"no picture"}
    plain.set_input_files("#id_picture", [text])
    plain.get_by_role("button", name="Search", exact=True).click()
    expect(plain.locator(".errorlist")).to_contain_text("notes.pdf")
    context.close()


def test_a_picture_waits_while_its_owner_signs_in_again(
    page: Page, context: BrowserContext, site: Site, photo: Path
) -> None:
    email, password = sign_up(page, site)
    context.clear_cookies()
    page.set_input_files("#id_picture", photo)
    page.wait_for_url("**/accounts/login/?next=*")
    page.fill("input[name=login]", email)
    page.fill("input[name=password]", password)
    page.click("main form button:not(.link)")
    expect(page.locator("[data-going]")).to_contain_text("picture is still here")
    expect(page.locator("[data-chosen]")).to_contain_text("my butterfly.jpg")
    page.click("form.search button[data-submit]")
    page.wait_for_url(RESULTS)


def test_a_finger_draws_the_part_that_is_searched(phone: Page, site: Site, photo: Path) -> None:
    sign_up(phone, site)
    phone.check("#crop-first")
    phone.set_input_files("#id_picture", photo)
    expect(phone.locator(".crop-box.placed")).to_be_visible()
    phone.locator("#crop-nw").scroll_into_view_if_needed()
    corner = phone.locator("#crop-nw").bounding_box()
    assert corner is not None
    x, y = corner["x"] + corner["width"] / 2, corner["y"] + corner["height"] / 2
    touch = phone.context.new_cdp_session(phone)

    def finger(kind: str, *points: tuple[float, float]) -> None:
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]})

    finger("touchStart", (x, y))
    for step in range(1, 6):
        finger("touchMove", (x + 14 * step, y + 10 * step))
    finger("touchEnd")
    expect(phone.locator("#id_left")).to_have_value(re.compile(r"[1-9]"))
    assert (
        float(phone.input_value("#id_left")) > 5
        and float(phone.input_value("#id_top")) > 3
        and phone.input_value("#id_right") in ("", "100")
    )
    phone.click("form.search button[data-submit]")
    phone.wait_for_url(RESULTS)
    expect(phone.locator("#summary")).to_contain_text("part of the picture")


# --- a picture of the web, from a stand-in: the site of these tests lets one connection through to it


class Pictures(BaseHTTPRequestHandler):
    """A web server with one picture."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "image/jpeg")
        self.end_headers()
        self.wfile.write(jpeg())

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let http://pictures.example/ lead to a server on this machine, in place of the check and the look-up."""
    server = HTTPServer(("127.0.0.1", 0), Pictures)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def connect(backend: object, host: str, port: int, *args: object, **options: object) -> httpcore.NetworkStream:
        assert (host, port) == ("pictures.example", 80)
        return httpcore.SyncBackend().connect_tcp("127.0.0.1", server.server_port)

    monkeypatch.setattr(url_fetch._PublicOnly, "connect_tcp", connect)
    yield
    server.shutdown()


@pytest.mark.django_db(transaction=True)
def test_a_link_to_a_picture_is_fetched_and_searched(
    page: Page, live_server: LiveServer, world: World, member: User, web: None
) -> None:
    page.goto(f"{live_server.url}/accounts/login/")
    page.fill("input[name=login]", member.email)
    page.fill("input[name=password]", PASSWORD)
    page.click("main form button:not(.link)")
    page.click("#options > summary")
    page.fill("#id_url", "http://pictures.example/bird.jpg")
    page.get_by_role("button", name="Search with these options").click()
    page.wait_for_url(RESULTS)
    expect(page.locator("section.column")).to_have_count(2)
