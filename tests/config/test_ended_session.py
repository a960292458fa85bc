import uuid

import pytest
from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import User
from jobs.models import Job
from tests.conftest import signed_in

pytestmark = pytest.mark.django_db
PAGE = "http://testserver/jobs/7/?tab=log"


def asked(client: Client, method: str, where: str, page: str = PAGE) -> object:
    headers = {"HX-Request": "true", "HX-Current-URL": page}
    return getattr(client, method)(where, headers=headers)


@pytest.fixture
def status(member: User) -> str:
    return reverse("job_status", args=[Job.objects.create(kind="none", owner=member).pk])


def test_an_ended_session_leads_the_page_to_sign_in_and_back(status: str) -> None:
    answer = asked(Client(), "get", status)
    assert answer.status_code == 204 and not answer.content
    assert answer["HX-Redirect"] == "/accounts/login/?next=%2Fjobs%2F7%2F%3Ftab%3Dlog"
    assert "no-store" in answer["Cache-Control"]


def test_a_lost_cookie_against_forgery_does_too(status: str) -> None:
    answer = asked(Client(enforce_csrf_checks=True), "post", reverse("mark", args=[1]))
    assert answer.status_code == 204 and answer["HX-Redirect"].startswith("/accounts/login/?next=%2Fjobs%2F7")


@pytest.mark.parametrize(
    "sender",
    [
        "",
        "https://evil.example/jobs/7/",
        "http://testserver//evil.example/",
        "javascript:alert(1)",
        "http://[",
        "//x/y",
    ],
)
def test_one_comes_back_to_this_site_only(status: str, sender: str) -> None:
    assert asked(Client(), "get", status, sender)["HX-Redirect"] == "/accounts/login/?next=%2F"


def test_others_get_what_they_got(status: str, member: User) -> None:
    assert Client().get(status).status_code == 302
    assert asked(signed_in(member), "get", status).status_code == 200
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(member)
    assert asked(strict, "post", reverse("mark", args=[1])).status_code == 403
    assert asked(signed_in(member), "get", "/lab/").status_code == 403


def sent(client: Client, where: str, page: str) -> HttpResponse:
    return client.post(where, headers={"Referer": page}) if page else client.post(where)


@pytest.mark.parametrize("route", ["skip", "withdraw", "show-names", "cancel_job"])
def test_a_form_leads_to_the_sign_in_and_back_to_its_page(route: str, db: None) -> None:
    where = reverse(route, args=[7 if route == "cancel_job" else uuid.uuid4()])
    answer = sent(Client(), where, PAGE)
    assert answer.status_code == 302 and answer["Location"] == "/accounts/login/?next=%2Fjobs%2F7%2F%3Ftab%3Dlog"
    assert [message.level_tag for message in get_messages(answer.wsgi_request)] == ["warning"]


@pytest.mark.parametrize("page", ["", "https://evil.example/jobs/7/", "http://["])
def test_a_form_of_another_site_leads_to_the_front_page(page: str, db: None) -> None:
    assert sent(Client(), reverse("skip", args=[uuid.uuid4()]), page)["Location"] == "/accounts/login/?next=%2F"


def test_who_signs_out_is_told_nothing_else(member: User) -> None:
    answer = sent(signed_in(member), reverse("account_logout"), PAGE)
    assert answer.status_code == 302 and "next=" not in answer["Location"]
    assert "warning" not in [message.level_tag for message in get_messages(answer.wsgi_request)]
