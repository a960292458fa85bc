"""A page whose session ends leads to the sign-in and back, and a request that fails says so."""

import re

import pytest
from django.urls import reverse
from playwright.sync_api import BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from jobs.models import Job
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def job_page(page: Page, live_server: LiveServer, member: User) -> str:
    """Return the address of a page that asks the site every two seconds, open and signed in."""
    where = f"{live_server.url}/jobs/{Job.objects.create(kind='none', owner=member).pk}/"
    page.goto(where)
    sign_in(page, member)
    page.wait_for_url(where)
    return where


def sign_in(page: Page, member: User) -> None:
    page.fill("[name=login]", member.email)
    page.fill("[name=password]", PASSWORD)
    page.click("main form button[type=submit], main form button:not([type])")


def test_an_ended_session_leads_to_the_sign_in_and_back(
    page: Page, context: BrowserContext, job_page: str, member: User
) -> None:
    context.clear_cookies()
    page.wait_for_url("**/accounts/login/?next=*")
    assert page.locator("header.top").count() == 1
    sign_in(page, member)
    page.wait_for_url(job_page)
    assert not page.complaints  # type: ignore[attr-defined]


def test_what_was_typed_into_a_form_is_there_after_the_sign_in(
    page: Page, context: BrowserContext, live_server: LiveServer, member: User
) -> None:
    where = f"{live_server.url}{reverse('account')}"
    page.goto(where)
    sign_in(page, member)
    page.wait_for_url(where)
    page.fill("[name=display_name]", "Mia of the meadow")
    csrf = [cookie for cookie in context.cookies() if cookie["name"] == "csrftoken"]
    context.clear_cookies()
    context.add_cookies(csrf)  # as when the session has reached its age
    page.locator("form:has([name=display_name]) button").click()
    page.wait_for_url("**/accounts/login/?next=*")
    expect(page.locator(".message.warning")).to_be_visible()
    sign_in(page, member)
    page.wait_for_url(where)
    expect(page.locator("[name=display_name]")).to_have_value("Mia of the meadow")
    page.goto(where)  # once: a fresh page has what is stored
    expect(page.locator("[name=display_name]")).to_have_value("Mia")


def test_a_request_that_fails_says_so_until_one_succeeds(page: Page, job_page: str) -> None:
    alert = page.get_by_role("alert")
    page.route("**/status*", lambda route: route.abort())
    expect(alert).to_have_text(re.compile("did not answer"))
    page.unroute("**/status*")
    page.route("**/status*", lambda route: route.fulfill(status=500, body="no"))
    expect(alert).to_have_text(re.compile("error"))
    box = alert.bounding_box()
    assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= page.viewport_size["width"]  # type: ignore[index]
    page.unroute("**/status*")
    expect(alert).to_have_count(0)
    complaints = page.complaints  # type: ignore[attr-defined]
    assert not [said for said in complaints if "Content Security Policy" in said]
