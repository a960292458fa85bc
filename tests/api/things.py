"""For every operation, a request that is right on a thing that exists.

    @thing("PATCH /searches/{id}/")
    def name_a_search(scene: Scene) -> Ask:
        return Ask(f"/searches/{scene.world.ask(scene.member).pk}/", {"name": "Owls"})

What belongs to somebody belongs to `scene.member`. The modules `things_*` hold them by subject.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from accounts.models import User
from tests.retrieval.world import World


@dataclass(frozen=True)
class Scene:
    """Who and what is there."""

    world: World
    member: User
    other_member: User
    curator: User
    admin: User


@dataclass(frozen=True)
class Ask:
    """What to send: the address below /api/v1, and a body; `format` is json or multipart."""

    path: str
    body: Any = None
    format: str = "json"
    headers: dict[str, str] = field(default_factory=dict)


Maker = Callable[[Scene], Ask]
THINGS: dict[tuple[str, str], Maker] = {}


def thing(line: str) -> Callable[[Maker], Maker]:
    """Register the request of an operation, written as in the policy: `GET /me/`."""

    def registered(maker: Maker) -> Maker:
        method, path = line.split()
        assert (method, path) not in THINGS, f"{line} has a request already"
        THINGS[method, path] = maker
        return maker

    return registered


def listed(*lines: str) -> None:
    """Register operations whose address holds no key and that need no body."""
    for line in lines:
        thing(line)(partial(_plain, line.split()[1]))


def _plain(path: str, scene: Scene) -> Ask:
    return Ask(path)
