"""Whatever is sent, the API answers as its description says: no crash, no status or body that it does not tell of.

Schemathesis makes the requests from the OpenAPI description, right and wrong ones, and holds every answer against it
with all its checks. The accounts and things are the test's own, nothing that a request did outlives it, and no worker
runs. Where an operation works on a thing, right requests go to one that exists (`tests.api.things`).
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from rest_framework.throttling import SimpleRateThrottle

from accounts import services
from accounts.models import User
from tests.api.description import PREFIX, description
from tests.api.test_policy import THINGS  # all of them: it has read every module of things
from tests.api.things import Scene
from tests.retrieval.world import World

EXAMPLES = 5  # random requests for each operation and person, beside those that cover its description

schema = schemathesis.openapi.from_dict(
    description(), config=schemathesis.Config.from_path(Path(__file__).with_name("schemathesis.toml"))
)
schema.app = get_wsgi_application()


# A stranger is refused nearly everything, which tests.api.test_policy shows of each operation.
@pytest.fixture(
    params=[
        pytest.param("stranger", marks=pytest.mark.full),
        "member",
        pytest.param("curator", marks=pytest.mark.services),
    ]
)
def caller(request: pytest.FixtureRequest, world: World, member: User, curator: User) -> dict[str, str]:
    """Return the headers of somebody."""
    if request.param == "stranger":
        return {}
    _, secret = services.create_token({"member": member, "curator": curator}[request.param], "tests")
    return {"Authorization": f"Token {secret}"}


@pytest.fixture
def things(world: World, member: User, other_member: User, curator: User, admin: User) -> "Things":
    return Things(Scene(world, member, other_member, curator, admin))


class Things:
    """Parameters of addresses that lead to things that exist, made when first asked for."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.made = scene, dict[tuple[str, str], dict[str, str]]()

    def parameters(self, method: str, path: str) -> dict[str, str]:
        operation = (method, path.removeprefix(PREFIX))
        if operation not in self.made:
            pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", operation[1])
            found = re.fullmatch(pattern, THINGS[operation](self.scene).path)
            assert found, f"the request of {operation} goes elsewhere"
            self.made[operation] = found.groupdict()
        return self.made[operation]


@pytest.fixture(autouse=True)
def unbounded(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Answer as many requests as are sent, all in the test's own transaction."""
    monkeypatch.setattr(SimpleRateThrottle, "THROTTLE_RATES", dict.fromkeys(("person", "visitor", "address")))
    moments = (request_started, request_finished)
    for moment in moments:  # as Django's own test client does: they close connections
        moment.disconnect(close_old_connections)
    yield
    for moment in moments:
        moment.connect(close_old_connections)


@schema.include(path_regex=f"^{PREFIX}").parametrize()
@hypothesis.settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)
def test_every_answer_is_as_described(case: Any, caller: dict[str, str], things: Things) -> None:
    if case.path_parameters and case.meta.generation.mode.is_positive:
        case.path_parameters = things.parameters(case.method, case.operation.path)
    with transaction.atomic():
        case.call_and_validate(headers=caller | {"Accept-Encoding": "identity"})  # it does not unpack what is packed
        transaction.set_rollback(True)
