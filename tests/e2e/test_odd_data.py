"""Pages of odd data fit a phone and a desk: nothing is too wide, cut off, or out of order."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from retrieval.pages.services.maps import submit_map
from tests.conftest import signed_in
from tests.e2e.conftest import watched
from tests.odd_site import RIGHT_TO_LEFT, OddSite, odd_site, pages_of
from tests.retrieval.world import World, done

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
STICKS_OUT = """() => {
  const scrolls = (box) => /auto|scroll|hidden|clip/.test(getComputedStyle(box).overflowX);
  const held = (box) => box.parentElement && (scrolls(box.parentElement) || held(box.parentElement));
  return [...document.querySelectorAll("main :is(h1, h2, h3, p, li, a, button, td, th, label, dd, figure)")]
    .filter((box) => box.getBoundingClientRect().right > innerWidth + 1 && !held(box))
    .map((box) => box.outerHTML.slice(0, 120));
}"""
"""What of the content reaches beyond the window, and is not in a part that scrolls."""


@pytest.fixture
def odd(live_server: LiveServer, transactional_db: None, world: World, curator: User) -> OddSite:
    """Return a site of odd data, with a map."""
    made = odd_site(world, curator)
    done(submit_map(world.index_of(world.models[0]), by=None))
    return made


@pytest.fixture
def context(
    request: pytest.FixtureRequest, browser: Browser, curator: User, live_server: LiveServer
) -> Iterator[BrowserContext]:
    """A browser that is signed in; both widths are looked at in one walk, for the site takes long to make."""
    opened = browser.new_context(viewport={"width": 360, "height": 900})
    cookie = signed_in(curator).cookies["sessionid"].value
    opened.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
    yield opened
    opened.close()


def test_pages_of_odd_data_fit_at_both_widths(context: BrowserContext, live_server: LiveServer, odd: OddSite) -> None:
    page, faults = watched(context), []
    for name, address in pages_of(odd).items():
        page.set_viewport_size({"width": 360, "height": 900})
        page.goto(live_server.url + address)
        for width in (360, 1440):
            page.set_viewport_size({"width": width, "height": 900})
            if (wide := page.evaluate(WIDE)) > 0:
                faults.append(f"{name} at {width}: {wide} px too wide")
            faults += [f"{name} at {width}: sticks out: {box}" for box in page.evaluate(STICKS_OUT)[:2]]
    faults += page.complaints  # type: ignore[attr-defined]
    assert faults == [], "\n".join(faults)


def test_names_of_two_directions_leave_the_words_around_them_in_order(
    context: BrowserContext, live_server: LiveServer, odd: OddSite
) -> None:
    page: Page = context.new_page()
    page.goto(f"{live_server.url}/datasets/{odd.odd.slug}/?class={RIGHT_TO_LEFT}")
    expect(page.locator("#picture-list .answer")).to_have_count(6)
    name = page.locator("#picture-list .answer-class bdi").first
    expect(name).to_have_text(RIGHT_TO_LEFT)
    name.click()
    heading = page.locator("h1")
    expect(heading).to_have_text(RIGHT_TO_LEFT)
    expect(heading).to_be_in_viewport()
    crumbs = page.locator(".crumb")
    first, last = crumbs.get_by_role("link").first.bounding_box(), crumbs.get_by_role("link").last.bounding_box()
    assert first is not None and last is not None and (first["y"], first["x"]) < (last["y"], last["x"])
