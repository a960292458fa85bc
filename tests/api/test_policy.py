"""Every operation of the API and everybody who might call it, held against the policy that was written first."""

import pkgutil
from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module

import pytest
from django.db import transaction
from django.utils import timezone
from rest_framework.test import APIClient

import tests.api
from accounts import services
from accounts.models import ApiToken, User
from tests.api.description import PREFIX, description
from tests.api.policy import CALLERS, POLICY, Row
from tests.api.things import THINGS, Ask, Scene
from tests.retrieval.world import World

for module in pkgutil.iter_modules(tests.api.__path__):
    if module.name.startswith("things_"):
        import_module(f"tests.api.{module.name}")


def operations() -> set[tuple[str, str]]:
    """Return method and path of every operation that the schema describes."""
    paths = {
        path.removeprefix(PREFIX): item for path, item in description()["paths"].items() if path.startswith(PREFIX)
    }
    return {(method.upper(), path) for path, item in paths.items() for method in item if method != "parameters"}


@pytest.fixture
def scene(world: World, member: User, other_member: User, curator: User, admin: User) -> Scene:
    return Scene(world, member, other_member, curator, admin)


def test_every_operation_has_its_row_and_every_row_its_operation() -> None:
    rows = [row.operation for row in POLICY]
    assert len(rows) == len(set(rows)), "an operation has two rows"
    assert set(rows) == operations()


def test_every_row_has_a_request_to_try_it_with() -> None:
    assert {row.operation for row in POLICY} == THINGS.keys()


def sender(caller: str, row: Row, scene: Scene) -> APIClient:
    """Return a client of that caller; a token that is refused for its own sake is of who may do most."""
    able = scene.member if row.expected["member"] < 400 else scene.curator
    people = {name: getattr(scene, name) for name in ("member", "other_member", "curator", "admin")}
    client = APIClient(raise_request_exception=False)
    if caller == "stranger":
        return client
    token, secret = services.create_token(people.get(caller, able), caller, read_only=caller == "read_only_token")
    if caller == "expired_token":
        ApiToken.objects.filter(pk=token.pk).update(expiry=timezone.now() - timedelta(seconds=1))
    client.credentials(HTTP_AUTHORIZATION=f"Token {secret}")
    return client


def answers(row: Row, ask: Ask, scene: Scene) -> Iterator[tuple[str, int]]:
    """Yield what each caller gets; each finds everything as it was."""
    for caller in CALLERS:
        client = sender(caller, row, scene)
        send = getattr(client, row.method.lower())
        with transaction.atomic():
            answer = send(f"{PREFIX}{ask.path}", ask.body, format=ask.format, headers=ask.headers)
            transaction.set_rollback(True)
        yield caller, answer.status_code


@pytest.mark.parametrize("row", POLICY, ids=[f"{row.method} {row.path}" for row in POLICY])
def test_everybody_gets_what_the_policy_says(row: Row, scene: Scene) -> None:
    ask = THINGS[row.operation](scene)
    assert dict(answers(row, ask, scene)) == row.expected
