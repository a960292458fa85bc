"""Moments in the time zone of whoever reads the page."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import Site, watched
from tests.e2e.people import sign_up

pytestmark = pytest.mark.e2e
KATHMANDU = "Asia/Kathmandu"  # 5 h 45 min: neither whole hours nor half ones


def test_a_page_shows_moments_in_the_time_zone_of_the_reader(browser: Browser, site: Site) -> None:
    page = watched(browser.new_context(timezone_id=KATHMANDU))
    sign_up(page, site)
    page.goto(f"{site.address}/accounts/sessions/")
    shown = page.locator("main time[data-when=minute]").first
    moment = datetime.fromisoformat(shown.get_attribute("datetime") or "").astimezone(ZoneInfo(KATHMANDU))
    expect(shown).to_contain_text(f"{moment.day} {moment:%b %Y}")
    expect(shown).to_contain_text(f"{moment:%H:%M}")
    expect(shown).not_to_contain_text("UTC")
    assert (shown.get_attribute("title") or "").endswith("UTC"), "the server's text stays at hand"
    page.context.close()
