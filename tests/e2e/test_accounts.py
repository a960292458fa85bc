"""A person's own account, and an admin's care for everybody's."""

import json
import re
import uuid
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.accounts.security.factors import code_of
from tests.e2e.conftest import Site, watched
from tests.e2e.people import confirm, faults_of, open_menu, sign_in

pytestmark = pytest.mark.e2e
MAIN_BUTTON = "main form button.primary"


def new_person() -> tuple[str, str]:
    return f"{uuid.uuid4().hex[:12]}@stranger.example", f"a-{uuid.uuid4()}"


def sign_up_as(page: Page, site: Site, email: str, password: str) -> None:
    page.goto(f"{site.address}/accounts/signup/")
    page.fill("input[name=email]", email)
    page.fill("input[name=display_name]", "Stranger")
    page.fill("input[name=password1]", password)
    page.click(MAIN_BUTTON)
    expect(page.locator("h1")).to_have_text("Check your mail")
    assert faults_of(page) == []


def sign_up_and_in(page: Page, site: Site, email: str, password: str) -> None:
    sign_up_as(page, site, email, password)
    sign_in_as(page, site, email, password)
    expect(page.locator("form.search")).to_be_visible()


def sign_in_as(page: Page, site: Site, email: str, password: str) -> None:
    page.goto(f"{site.address}/accounts/login/")
    page.fill("input[name=login]", email)
    page.fill("input[name=password]", password)
    page.click(MAIN_BUTTON)


def sign_out(page: Page) -> None:
    open_menu(page)
    page.get_by_role("button", name="Sign out", exact=True).click()
    open_menu(page)
    expect(page.locator(".top-me").get_by_role("link", name="Sign in")).to_be_visible()


def prove(page: Page, password: str) -> None:
    """Answer the question whether it is you."""
    expect(page.locator("h1")).to_have_text("Confirm your password")
    assert faults_of(page) == []
    page.fill("input[name=password]", password)
    page.click(MAIN_BUTTON)


def mails_to(site: Site, email: str) -> list[str]:
    """Return the mails to that address, the oldest first."""
    files = sorted((site.var / "mail").glob("*.log"), key=lambda file: file.stat().st_mtime)
    return [text for text in map(Path.read_text, files) if f"To: {email}" in text]


def link_in(mail: str, part: str) -> str:
    found = re.search(rf"http://\S+/accounts/{part}/\S+", mail)
    assert found is not None, mail
    return found[0]


def test_a_stranger_signs_up_confirms_and_resets_the_password(page: Page, site: Site) -> None:
    email, password = new_person()
    sign_up_as(page, site, email, password)
    expect(page.locator("main")).to_contain_text(str(site.var / "mail"))
    sign_in_as(page, site, email, password)
    expect(page.locator("form.search")).to_be_visible()
    page.goto(link_in(mails_to(site, email)[-1], "confirm-email"))
    expect(page.locator("main")).to_contain_text(email)
    assert faults_of(page) == []
    page.click(MAIN_BUTTON)
    page.goto(f"{site.address}/me/security/")
    expect(page.locator("section[aria-labelledby=email-title] li")).to_contain_text("primary, confirmed")
    assert faults_of(page) == []
    sign_out(page)

    sign_in_as(page, site, email, "not my password")
    expect(page.locator("main .errorlist")).to_be_visible()
    page.get_by_role("link", name="Forgot your password?").click()
    page.fill("input[name=email]", email)
    page.click(MAIN_BUTTON)
    expect(page.locator("main")).to_contain_text(str(site.var / "mail"))
    link = link_in(mails_to(site, email)[-1], "password/reset/key")
    page.goto(link)
    again = f"b-{uuid.uuid4()}"
    page.fill("input[name=password1]", again)
    page.fill("input[name=password2]", again)
    assert faults_of(page) == []
    page.click(MAIN_BUTTON)
    expect(page.locator("h1")).to_have_text("Password changed")
    page.goto(link)
    expect(page.locator("h1")).to_have_text("Link expired")
    sign_in_as(page, site, email, again)
    expect(page.locator("form.search")).to_be_visible()
    assert faults_of(page) == []


def set_up_second_factor(page: Page, site: Site, email: str, password: str) -> tuple[str, str]:
    """Confirm the address and set it up; return the app's secret and a recovery code."""
    page.goto(link_in(mails_to(site, email)[-1], "confirm-email"))
    page.click(MAIN_BUTTON)
    page.goto(f"{site.address}/me/security/")
    page.get_by_role("link", name="Set up a second factor").click()
    prove(page, password)
    expect(page.locator("img.qr")).to_be_visible()
    assert page.locator("img.qr").evaluate("picture => picture.complete && picture.naturalWidth > 0")
    secret = page.locator("#authenticator_secret").inner_text()
    assert faults_of(page) == []
    page.fill("input[name=code]", code_of(secret))
    page.click(MAIN_BUTTON)
    expect(page.locator("#recovery_codes li")).to_have_count(10)
    return secret, page.locator("#recovery_codes li").first.inner_text()


def test_a_sign_in_asks_for_the_second_factor(page: Page, site: Site) -> None:
    email, password = new_person()
    sign_up_and_in(page, site, email, password)
    page.goto(f"{site.address}/me/security/")
    page.get_by_role("link", name="Set up a second factor").click()
    expect(page.locator("main")).to_contain_text("Confirm your e-mail address first")
    secret, recovery = set_up_second_factor(page, site, email, password)
    sign_out(page)

    sign_in_as(page, site, email, password)
    expect(page.locator("h1")).to_have_text("Enter your code")
    assert faults_of(page) == []
    page.fill("input[name=code]", "000000")
    page.click(MAIN_BUTTON)
    expect(page.locator("main .errorlist")).to_contain_text("Wrong code")
    page.fill("input[name=code]", code_of(secret))
    page.click(MAIN_BUTTON)
    expect(page.locator("form.search")).to_be_visible()
    sign_out(page)
    sign_in_as(page, site, email, password)
    page.fill("input[name=code]", recovery)
    page.click(MAIN_BUTTON)
    expect(page.locator("form.search")).to_be_visible()
    page.goto(f"{site.address}/me/security/")
    expect(page.locator("main")).to_contain_text("9 unused recovery codes")
    assert faults_of(page) == []


def test_recovery_codes_are_kept_and_replaced_and_the_factor_turned_off(page: Page, site: Site) -> None:
    email, password = new_person()
    sign_up_and_in(page, site, email, password)
    _, recovery = set_up_second_factor(page, site, email, password)
    assert faults_of(page) == []
    with page.expect_download() as kept:
        page.get_by_role("link", name="Download codes").click()
    assert recovery in kept.value.path().read_text()
    page.get_by_role("link", name="Create new codes").click()
    expect(page.locator("h1")).to_have_text("Create new recovery codes")
    assert faults_of(page) == []
    page.click(MAIN_BUTTON)
    expect(page.locator("#recovery_codes li")).to_have_count(10)
    assert page.locator("#recovery_codes li").first.inner_text() != recovery
    page.get_by_role("link", name="Back to security").click()
    page.goto(f"{site.address}/accounts/2fa/reauthenticate/")
    expect(page.locator("h1")).to_have_text("Confirm with a code")
    assert faults_of(page) == []
    page.goto(f"{site.address}/me/security/")
    page.get_by_role("link", name="Turn off second factor").click()
    expect(page.locator("h1")).to_have_text("Turn off the second factor")
    assert faults_of(page) == []
    page.click(MAIN_BUTTON)
    expect(page.locator("main")).to_contain_text("even with your password, nobody can sign in")
    assert faults_of(page) == []


def test_other_sessions_are_seen_and_signed_out(page: Page, site: Site, browser: Browser) -> None:
    email, password = new_person()
    sign_up_and_in(page, site, email, password)
    elsewhere = browser.new_context(user_agent="The browser at the library").new_page()
    sign_in_as(elsewhere, site, email, password)
    expect(elsewhere.locator("form.search")).to_be_visible()
    page.goto(f"{site.address}/me/security/")
    expect(page.locator("main")).to_contain_text("in 2 browsers")
    page.get_by_role("link", name="Show sessions").click()
    expect(page.locator("tbody")).to_contain_text("The browser at the library")
    expect(page.locator("tbody tr")).to_have_count(2)
    assert faults_of(page) == []
    page.get_by_role("button", name="Sign out other sessions").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    elsewhere.goto(f"{site.address}/me/security/")
    assert elsewhere.url.startswith(f"{site.address}/accounts/login/")
    elsewhere.context.close()
    assert faults_of(page) == []


def test_a_token_is_shown_once_and_works_until_it_is_revoked(page: Page, site: Site, browser: Browser) -> None:
    email, password = new_person()
    sign_up_and_in(page, site, email, password)
    page.goto(f"{site.address}/me/tokens/")
    expect(page.get_by_role("button", name="Send the link again")).to_be_visible()
    assert faults_of(page) == []
    page.goto(link_in(mails_to(site, email)[-1], "confirm-email"))
    page.click(MAIN_BUTTON)
    page.goto(f"{site.address}/me/tokens/")
    page.fill("input[name=name]", "notebook")
    page.select_option("select[name=expires_in_days]", "30")
    page.get_by_role("button", name="Create token").click()
    prove(page, password)
    secret = page.locator("#secret").inner_text()
    assert secret.startswith("kin_") and faults_of(page) == []
    program = browser.new_context().request
    answer = program.get(f"{site.address}/api/v1/me/", headers={"Authorization": f"Token {secret}"})
    assert answer.ok and answer.json()["email"] == email
    page.goto(f"{site.address}/me/tokens/")
    expect(page.locator("#secret")).to_have_count(0)
    expect(page.locator("tbody")).to_contain_text("notebook")
    confirm(page, "Revoke token")
    expect(page.locator("main")).to_contain_text("revoked")
    assert program.get(f"{site.address}/api/v1/me/", headers={"Authorization": f"Token {secret}"}).status == 401
    assert faults_of(page) == []


def test_one_takes_ones_data_along_and_leaves(page: Page, site: Site) -> None:
    email, password = new_person()
    sign_up_and_in(page, site, email, password)
    page.goto(f"{site.address}/me/data/")
    with page.expect_download() as kept:
        page.get_by_role("link", name="Download my data (JSON)").click()
    data = json.loads(kept.value.path().read_text())
    assert data["account"]["email"] == email and data["security"]["sessions"]
    page.check("input[name=sure]")
    page.get_by_role("button", name="Delete account").click()
    prove(page, password)
    expect(page.locator("main")).to_contain_text("Your account and your data were deleted")
    sign_in_as(page, site, email, password)
    expect(page.locator("main .errorlist")).to_be_visible()
    assert faults_of(page) == []


def invite(page: Page, site: Site, email: str) -> None:
    """Invite a curator, as the admin; the page that is left open is hers."""
    sign_in(page, site, "admin")
    page.goto(f"{site.address}/lab/")
    page.get_by_role("link", name="People", exact=True).click()
    expect(page.locator("tbody")).to_contain_text(site.people["admin"][0])
    assert faults_of(page) == []
    page.get_by_role("link", name="Invite a person").click()
    page.fill("input[name=email]", email)
    page.fill("input[name=display_name]", "Nora")
    page.select_option("select[name=role]", "curator")
    assert faults_of(page) == []
    page.get_by_role("button", name="Send invitation").click()
    expect(page.locator("main")).to_contain_text("Invitation sent to")


def accept(page: Page, site: Site, email: str, password: str) -> None:
    page.goto(link_in(mails_to(site, email)[0], "password/reset/key"))
    page.fill("input[name=password1]", password)
    page.fill("input[name=password2]", password)
    page.click(MAIN_BUTTON)
    sign_in_as(page, site, email, password)


def trail_of(page: Page, site: Site, email: str) -> list[str]:
    """Return what the audit trail says was done to that account, the newest first."""
    page.goto(f"{site.address}/lab/audit/")
    page.fill("input[name=text]", email)
    page.get_by_role("button", name="Filter entries", exact=True).click()
    expect(page.locator("tbody")).to_contain_text(email)
    return page.locator("tbody td:nth-child(3)").all_inner_texts()


def test_an_invited_curator_accepts_and_becomes_a_member(page: Page, site: Site, browser: Browser) -> None:
    email, password = new_person()
    invite(page, site, email)
    expect(page.locator(".facts")).to_contain_text("invited")
    page.get_by_role("button", name="Resend invitation").click()
    expect(page.locator("main")).to_contain_text("got a new invitation")
    assert len(mails_to(site, email)) == 2 and faults_of(page) == []

    nora = watched(browser.new_context())
    accept(nora, site, email, password)
    open_menu(nora)
    nora.locator(".top-nav").get_by_role("link", name="Lab", exact=True).click()
    expect(nora.locator("h1")).to_have_text("Lab")
    nora.goto(f"{site.address}/lab/audit/")
    expect(nora.locator("tbody")).to_contain_text("invite person")
    assert nora.goto(f"{site.address}/lab/people/").status == 403  # type: ignore[union-attr]

    page.reload()
    page.select_option("select[name=role]", "member")
    page.get_by_role("button", name="Change role").click()
    expect(page.locator(".facts")).to_contain_text("member")
    assert faults_of(page) == []
    assert nora.goto(f"{site.address}/lab/").status == 403  # type: ignore[union-attr]
    nora.context.close()
    assert trail_of(page, site, email) == ["change role", "resend invitation", "invite person"]
    with page.expect_download() as kept:
        page.get_by_role("link", name="Download CSV").click()
    assert len(kept.value.path().read_text().splitlines()) == 4
    assert faults_of(page) == []


def test_who_is_deactivated_is_out_at_once(page: Page, site: Site, browser: Browser) -> None:
    email, password = new_person()
    invite(page, site, email)
    nora = watched(browser.new_context())
    accept(nora, site, email, password)
    expect(nora.locator("form.search")).to_be_visible()
    page.get_by_role("button", name="Deactivate account").click()
    expect(page.locator(".facts")).to_contain_text("deactivated")
    assert faults_of(page) == []
    nora.goto(f"{site.address}/me/security/")
    assert nora.url.startswith(f"{site.address}/accounts/login/")
    sign_in_as(nora, site, email, password)
    expect(nora.locator("h1")).to_have_text("Account deactivated")
    assert faults_of(nora) == []
    page.get_by_role("button", name="Reactivate account").click()
    expect(page.locator("main")).to_contain_text("can sign in again")
    sign_in_as(nora, site, email, password)
    expect(nora.locator("form.search")).to_be_visible()
    nora.context.close()
    assert trail_of(page, site, email) == ["reactivate person", "deactivate person", "invite person"]
