"""What every walk through the site begins with, and what is asked of every page."""

import time
import uuid
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Site

LAID_ASIDE = "for (const bar of document.querySelectorAll('.choosing-bar')) bar.style.position = 'static'"
"""The bar stays in view; axe would take what is left of a link that it half covers for a small target."""

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
ASKED_OF_AXE = {"runOnly": RULES, "resultTypes": ["violations"]}
"""Of what is in order axe then describes one element a rule, not all."""


def open_menu(page: Page) -> None:
    """Open the navigation, which phones show behind a button."""
    button = page.locator(".menu-button")
    if button.is_visible():
        button.click()


def confirm(page: Page, action: str) -> None:
    """Click a button that asks once more, and confirm."""
    question = page.locator("details.confirm", has_text=action)
    question.locator("summary").click()
    question.locator("button").click()


def wait_until(page: Page, expression: str, arg: Any = None) -> None:
    """Wait until JavaScript says so; Playwright's own wait would have the page compile it, which its CSP refuses."""
    end = time.monotonic() + 30
    while not page.evaluate(expression, arg):
        assert time.monotonic() < end, f"after 30 s still not: {expression}"
        page.wait_for_timeout(50)


def sign_up(page: Page, site: Site) -> tuple[str, str]:
    """Become a new member, on the search page; return their address and password."""
    email, password = f"{uuid.uuid4().hex[:12]}@stranger.example", f"a-{uuid.uuid4()}"
    _send(page, f"{site.address}/accounts/signup/", email=email, display_name="Stranger", password1=password)
    _enter(page, site, email, password)
    return email, password


def sign_in(page: Page, site: Site, role: str) -> None:
    """Enter as the demo's admin or member, on the search page."""
    _enter(page, site, *site.people[role])


def _enter(page: Page, site: Site, email: str, password: str) -> None:
    _send(page, f"{site.address}/accounts/login/", login=email, password=password)
    page.goto(site.address)
    expect(page.locator("form.search")).to_be_visible()


def _send(page: Page, url: str, **fields: str) -> None:
    """Send a form without drawing its page: test_accounts fills these in as people do."""
    page.request.get(url)
    token = next(cookie["value"] for cookie in page.context.cookies() if cookie["name"] == "csrftoken")
    answer = page.request.post(url, form={**fields, "csrfmiddlewaretoken": token}, max_redirects=0)
    assert answer.status == 302, f"{url} answers {answer.status}"


def search_with(page: Page, photo: Path) -> None:
    """Search with a file, from the search page: it starts by itself."""
    page.set_input_files("#id_picture", photo)
    page.wait_for_url("**/searches/*/")


def share(page: Page) -> str:
    """Share the search of this page; return the link."""
    page.click("#keep > summary")
    page.get_by_role("button", name="Share search").click()
    expect(page.locator("#share-url")).to_be_visible()
    return page.input_value("#share-url")


def faults_of(page: Page) -> list[str]:
    """Return what is wrong with a page as it stands: too wide, a finding of axe, or a complaint of the browser."""
    page.wait_for_load_state()  # a page whose style sheets are still on their way is as wide as its widest table
    page.evaluate(LAID_ASIDE)
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    faults = [f"{page.url} is {wide} px too wide"] if wide > 0 else []
    violations = Axe().run(page, options=ASKED_OF_AXE).response["violations"]
    faults += [f"{page.url}: {fault['id']} {fault['nodes'][0]['html'][:160]}" for fault in violations]
    return faults + list(page.complaints)  # type: ignore[attr-defined]
