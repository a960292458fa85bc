"""Fields that one chooses, and versions that one can hold on to."""

import pytest
from django.db import connection
from rest_framework.parsers import JSONParser
from rest_framework.test import APIClient

from accounts import services
from accounts.api import MeSerializer, TokenViewSet
from accounts.models import ApiToken, User
from jobs.models import Job
from retrieval.search.services import run_search as searching
from tests.retrieval.world import World

pytestmark = pytest.mark.services

ME = "/api/v1/me/"
JOBS = "/api/v1/jobs/"


def test_only_the_fields_that_were_asked_for_come(member_api: APIClient, member: User) -> None:
    job = Job.objects.create(kind="none", owner=member)
    assert member_api.get(JOBS, {"fields": "id,state"}).json()["results"] == [{"id": job.pk, "state": "queued"}]
    assert member_api.get(f"{JOBS}{job.pk}/", {"fields": "kind"}).json() == {"kind": "none"}


@pytest.mark.parametrize("fields", ["secret", "id,,kind", "id;kind", "\x00", ""])
def test_a_field_that_is_not_there_is_refused(member_api: APIClient, member: User, fields: str) -> None:
    Job.objects.create(kind="none", owner=member)
    answer = member_api.get(JOBS, {"fields": fields})
    assert answer.status_code == 400 and answer.json()["errors"][0]["field"] == "fields"


def test_a_known_version_is_not_sent_again(member_api: APIClient) -> None:
    etag = member_api.get(ME)["ETag"]
    again = member_api.get(ME, HTTP_IF_NONE_MATCH=f'"other", W/{etag}')
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", etag)
    assert member_api.get(ME, HTTP_IF_NONE_MATCH='"other"').status_code == 200


def test_a_change_of_the_version_that_was_read_is_made(member_api: APIClient, member: User) -> None:
    etag = member_api.get(ME)["ETag"]
    changed = member_api.patch(ME, {"display_name": "Maja"}, HTTP_IF_MATCH=etag)
    member.refresh_from_db()
    assert (changed.status_code, member.display_name) == (200, "Maja")
    assert changed["ETag"] == member_api.get(ME)["ETag"] != etag


def test_a_change_of_an_earlier_version_is_refused(member_api: APIClient, member: User) -> None:
    etag = member_api.get(ME)["ETag"]
    member_api.patch(ME, {"display_name": "Maja"})
    answer = member_api.patch(ME, {"display_name": "Mia"}, HTTP_IF_MATCH=etag)
    member.refresh_from_db()
    assert (answer.status_code, answer.json()["type"]) == (412, "/api/problems/stale")
    assert member.display_name == "Maja"


def test_the_version_is_the_same_whatever_fields_are_shown(member_api: APIClient) -> None:
    assert member_api.get(ME, {"fields": "id"})["ETag"] == member_api.get(ME)["ETag"]


def test_a_field_of_another_name_is_refused(member_api: APIClient) -> None:
    answer = member_api.patch(ME, {"display_name": "Mia", "role": "admin"})
    assert answer.status_code == 400
    assert [(error["field"], "display_name" in error["detail"]) for error in answer.json()["errors"]] == [
        ("role", True)
    ]


def in_transaction(monkeypatch: pytest.MonkeyPatch, module: object, name: str) -> list[bool]:
    """Note at each call of a function whether it is made in a transaction of the request's own."""
    seen: list[bool] = []
    function, depth = getattr(module, name), len(connection.savepoint_ids)

    def noted(*args: object, **kwargs: object) -> object:
        seen.append(len(connection.savepoint_ids) > depth)
        return function(*args, **kwargs)

    monkeypatch.setattr(module, name, noted)
    return seen


def test_only_the_change_itself_is_in_its_transaction(member_api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    etag = member_api.get(ME)["ETag"]
    parsed = in_transaction(monkeypatch, JSONParser, "parse")
    renamed = in_transaction(monkeypatch, services, "rename")
    assert member_api.patch(ME, {"display_name": "Maja"}, HTTP_IF_MATCH=etag).status_code == 200
    assert (parsed, renamed) == ([False], [True])


def test_a_version_holds_nothing_where_no_thing_is_named(
    member_api: APIClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = in_transaction(monkeypatch, searching, "run_prepared")
    body = {"datasets": [world.dataset.pk], "image_id": world.test_images[0].pk}
    made = member_api.post("/api/v1/searches/", body, HTTP_IF_MATCH='"x"')
    assert made.status_code == 201
    assert member_api.post(f"{made['Location']}refine/", {"k": 1}, HTTP_IF_MATCH='"x"').status_code == 201
    assert ran == [False, False]


def test_what_cannot_be_done_to_a_thing_is_not_tried(member_api: APIClient) -> None:
    assert member_api.put(ME, {}, HTTP_IF_MATCH='"x"').status_code == 405


def test_what_is_gone_meanwhile_is_not_found(
    member_api: APIClient, member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, _ = services.create_token(member, "notebook")
    address = f"/api/v1/tokens/{token.pk}/"
    etag = member_api.get(address)["ETag"]
    hold = TokenViewSet.hold

    def gone(self: TokenViewSet, thing: ApiToken) -> None:
        ApiToken.objects.filter(pk=thing.pk).delete()
        hold(self, thing)

    monkeypatch.setattr(TokenViewSet, "hold", gone)
    assert member_api.delete(address, HTTP_IF_MATCH=etag).status_code == 404


def test_a_thing_is_put_into_words_once(member_api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[User] = []
    monkeypatch.setattr(MeSerializer, "get_role", lambda self, user: told.append(user))
    etag = member_api.get(ME)["ETag"]
    assert member_api.get(ME, HTTP_IF_NONE_MATCH=etag).status_code == 304
    assert len(told) == 2
