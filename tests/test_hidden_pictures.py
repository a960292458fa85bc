"""Every way to a picture closes at once when it is hidden, deleted, or its data set is for members only."""

import ast
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from jobs import services as jobs
from ratings.models import Ballot
from ratings.services.ballots import next_ballot
from retrieval.datasets.services import curating
from retrieval.datasets.services.deleting import submit_deletion
from retrieval.datasets.services.deleting_pictures import submit_picture_deletion
from retrieval.datasets.services.visibility import set_public
from retrieval.models import Image, Search
from retrieval.search.services.sharing import set_shared
from tests.conftest import signed_in
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[1]
GIVERS = frozenset({"jpeg_page", "jpeg_response", "thumbnail_of", "shown_picture_of", "query_file", "stored_query"})
"""What gives the file of a picture, or its pixels; below are all that call one of them."""


@dataclass
class Scene:
    """A shared search with a gallery picture, and an open ballot, of a member."""

    world: World
    search: Search
    ballot: Ballot

    @property
    def query(self) -> Image:
        assert self.search.query_image is not None
        return self.search.query_image

    @property
    def asked(self) -> Image:
        image = self.ballot.search.query_image
        assert image is not None
        return image

    @property
    def found(self) -> int:
        return int(self.ranking.image_ids[0])

    @property
    def ranking(self) -> Any:
        return self.search.rankings.first()


@dataclass(frozen=True)
class Way:
    """An address that serves a picture: by which function, where, of which picture, and whether to visitors too."""

    served_by: str
    where: Callable[[Scene], str]
    picture: Callable[[Scene], int]
    to_visitors: bool = True


def query(scene: Scene) -> int:
    return scene.query.pk


def found(scene: Scene) -> int:
    return scene.found


WAYS = (
    Way("retrieval.datasets.views.datasets.picture", lambda scene: f"/pictures/{scene.found}", found),
    Way("retrieval.datasets.views.datasets.thumbnail", lambda scene: f"/pictures/{scene.found}/thumbnail", found),
    Way("retrieval.datasets.api.images.file", lambda scene: f"/api/v1/images/{scene.found}/file/", found),
    Way(
        "retrieval.datasets.api.images.file",
        lambda scene: f"/api/v1/images/{scene.found}/file/?size=thumbnail",
        found,
    ),
    Way(
        "retrieval.search.views.searches.shared_query", lambda scene: f"/shared/{scene.search.share_token}/query", query
    ),
    Way(
        "retrieval.search.views.searches.shared_picture",
        lambda scene: f"/shared/{scene.search.share_token}/pictures/{scene.found}",
        found,
    ),
    Way(
        "retrieval.search.views.searches.query_picture",
        lambda scene: f"/searches/{scene.search.pk}/picture",
        query,
        False,
    ),
    Way("ratings.api.files.get", lambda scene: f"/rate/{scene.ballot.pk}/query", lambda scene: scene.asked.pk, False),
)

ASKED_OTHERWISE = {
    "retrieval.files.jpeg_page": "gives what the ways above pass to it",
    "retrieval.search.services.run_search.prepare": "looks at a picture that the sender may see; tested below",
    "retrieval.search.services.run_search.system_search": "asks with what `asking()` gives, the hidden left out",
    "retrieval.search.services.exporting.results_zip": "an archive; tested below",
    "retrieval.search.services.access.query_file": "gives the file to the ways above",
    "retrieval.datasets.api.images.SIZES": "the sizes of the way above",
    "retrieval.datasets.services.thumbnails._look_at": "reads a picture for a job",
    "retrieval.experiments.services.losses.algorithms": "drawn points, not pictures",
}


@pytest.fixture
def scene(world: World, member: User) -> Scene:
    search = world.ask(member)
    set_shared(search, True)
    return Scene(world, search, next_ballot(member))


def callers() -> set[str]:
    """Return the functions, and what else a module names, that use one of GIVERS."""
    names = set()
    for app in ("retrieval", "ratings"):
        for file in (ROOT / app).rglob("*.py"):
            module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
            for node in _named(ast.parse(file.read_text())):
                used = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
                used |= {part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)}
                if used & GIVERS and not _imports_only(node):
                    names.add(f"{module}.{_name(node)}")
    return names


def _named(tree: ast.Module) -> list[ast.stmt]:
    inside = [part for node in tree.body if isinstance(node, ast.ClassDef) for part in node.body]
    return [node for node in (*tree.body, *inside) if not isinstance(node, ast.ClassDef)]


def _imports_only(node: ast.stmt) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom)


def _name(node: ast.stmt) -> str:
    if isinstance(node, ast.FunctionDef):
        return node.name
    return ast.unparse(node).split(":")[0].split(" ")[0]


def test_every_function_that_serves_a_picture_is_known_here() -> None:
    assert callers() == {way.served_by for way in WAYS} | ASKED_OTHERWISE.keys()


def codes(scene: Scene, client: Client) -> list[int]:
    return [client.get(way.where(scene)).status_code for way in WAYS]


def test_all_of_them_serve_what_may_be_seen(scene: Scene, member: User) -> None:
    assert codes(scene, signed_in(member)) == [200] * len(WAYS)
    assert [code == 200 for code in codes(scene, Client())] == [way.to_visitors for way in WAYS]


def pictures(scene: Scene) -> list[int]:
    return sorted({way.picture(scene) for way in WAYS})


def test_a_hidden_picture_is_served_by_none(scene: Scene, member: User, curator: User) -> None:
    curating.set_hidden(scene.world.dataset, pictures(scene), True, by=curator)
    assert codes(scene, signed_in(member)) == [404] * len(WAYS)
    assert 200 not in codes(scene, Client())


def test_a_picture_of_a_set_for_members_is_served_to_no_visitor(scene: Scene, member: User) -> None:
    set_public(scene.world.dataset, False)
    assert 200 not in codes(scene, Client())
    assert codes(scene, signed_in(member)) == [200] * len(WAYS)


def test_what_is_to_be_deleted_is_served_to_nobody(scene: Scene, member: User, curator: User) -> None:
    submit_picture_deletion(scene.world.dataset, pictures(scene), by=curator)
    for client in (signed_in(member), signed_in(curator)):
        assert codes(scene, client) == [404] * len(WAYS)
    assert 200 not in codes(scene, Client())


def test_a_picture_is_asked_for_again_and_not_sent_twice(scene: Scene, member: User, curator: User) -> None:
    client, where = signed_in(member), f"/pictures/{scene.found}"
    first = client.get(where)
    assert "no-cache" in first["Cache-Control"] and "private" in first["Cache-Control"]
    again = client.get(where, headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304 and "no-cache" in again["Cache-Control"]
    curating.set_hidden(scene.world.dataset, [scene.found], True, by=curator)
    assert client.get(where, headers={"If-None-Match": first["ETag"]}).status_code == 404


# --- pages and files that are made of pictures


def archive(client: Client, scene: Scene) -> list[str]:
    answer = client.get(f"/searches/{scene.search.pk}/results/zip")
    return zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))).namelist()  # type: ignore[attr-defined]


def whys(scene: Scene) -> list[str]:
    tail = f"explanation/{scene.ranking.pk}/{scene.found}/"
    return [f"/searches/{scene.search.pk}/{tail}", f"/shared/{scene.search.share_token}/{tail}"]


def test_explanations_of_a_hidden_picture_are_gone(scene: Scene, member: User, curator: User) -> None:
    client, dataset = signed_in(member), scene.world.dataset
    ways = [*whys(scene), f"/api/v1{whys(scene)[0]}"]
    assert [client.get(where).status_code for where in ways] == [200] * 3
    for picture in (scene.query.pk, scene.found):
        curating.set_hidden(dataset, [picture], True, by=curator)
        assert [client.get(where).status_code for where in ways] == [404] * 3
        curating.set_hidden(dataset, [picture], False, by=curator)


def test_explanations_of_a_set_for_members_are_for_members(scene: Scene, member: User) -> None:
    set_public(scene.world.dataset, False)
    shared = whys(scene)[1]
    assert (Client().get(shared).status_code, signed_in(member).get(shared).status_code) == (404, 200)


def test_an_archive_leaves_hidden_pictures_out(scene: Scene, member: User, curator: User) -> None:
    client = signed_in(member)
    before = archive(client, scene)
    assert "query.jpg" in before and any(f"-{scene.found}.jpg" in name for name in before)
    curating.set_hidden(scene.world.dataset, [scene.query.pk, scene.found], True, by=curator)
    after = archive(client, scene)
    assert "query.jpg" not in after and not any(f"-{scene.found}.jpg" in name for name in after)
    answer = client.get(f"/searches/{scene.search.pk}/results/json")
    value = json.loads(b"".join(answer.streaming_content))  # type: ignore[attr-defined]
    assert value["query"] is None and scene.found not in {row["image"] for row in value["results"]}


def test_a_search_is_not_asked_again_with_a_hidden_picture(scene: Scene, member: User, curator: User) -> None:
    curating.set_hidden(scene.world.dataset, [scene.query.pk], True, by=curator)
    client = signed_in(member)
    assert client.post(f"/searches/{scene.search.pk}/refine", {"datasets": [scene.world.dataset.pk]}).status_code == 400
    page = client.get(f"/searches/{scene.search.pk}/").content.decode()
    assert f"/searches/{scene.search.pk}/picture" not in page
    assert f"/pictures/{scene.query.pk}/thumbnail" not in client.get("/searches/").content.decode()


def test_a_shared_page_shows_a_visitor_nothing_of_a_set_for_members(scene: Scene, member: User) -> None:
    where = f"/shared/{scene.search.share_token}/"
    name = scene.query.class_name
    assert name in Client().get(where).content.decode()
    set_public(scene.world.dataset, False)
    page = Client().get(where)
    assert page.status_code == 200 and (page.context["summary"].shown, page.context["summary"].withheld) == (0, 1)
    assert name not in page.content.decode() and "/pictures/" not in page.content.decode()
    assert signed_in(member).get(where).context["summary"].shown > 0


def test_a_data_set_that_is_to_be_deleted_is_gone_at_once(scene: Scene, member: User, curator: User) -> None:
    spare = scene.world.another()
    spare_picture = spare.images.first()
    assert spare_picture is not None
    set_public(spare, True)
    mine = scene.world.ask(member, datasets=[spare], models=scene.world.models[:1], image=spare_picture, k=2)
    client = signed_in(curator)
    job = client.delete(f"/api/v1/datasets/{spare.pk}/")
    assert job.status_code == 202
    for reader in (client, signed_in(member), Client()):
        assert reader.get(f"/api/v1/datasets/{spare.pk}/").status_code == 404
        assert reader.get(f"/datasets/{spare.slug}/").status_code == 404
        assert reader.get(f"/pictures/{spare_picture.pk}").status_code == 404
    assert signed_in(member).get(f"/searches/{mine.pk}/").context["summary"].shown == 0
    assert signed_in(member).get(f"/searches/{mine.pk}/picture").status_code == 404
    client.post(f"/api/v1/jobs/{job.json()['id']}/cancel/")
    assert client.get(f"/api/v1/datasets/{spare.pk}/").status_code == 200


def test_a_refused_deletion_hides_nothing_and_a_cancelled_one_can_be_undone(scene: Scene, curator: User) -> None:
    dataset = scene.world.dataset
    assert signed_in(curator).delete(f"/api/v1/datasets/{dataset.pk}/").status_code == 409
    assert signed_in(curator).get(f"/api/v1/datasets/{dataset.pk}/").status_code == 200
    job = submit_picture_deletion(dataset, [scene.found], by=curator)
    show = f"/api/v1/datasets/{dataset.pk}/images/show/"
    body = {"images": [scene.found]}
    client = signed_in(curator)
    assert client.post(show, body, content_type="application/json").status_code == 409
    jobs.request_cancel(job, by=curator)
    assert client.get(f"/pictures/{scene.found}").status_code == 200
    assert client.post(show, body, content_type="application/json").json() == {"changed": 1}
    assert Client().get(f"/pictures/{scene.found}").status_code == 200


def test_deleting_a_set_twice_is_told(scene: Scene, curator: User) -> None:
    spare = scene.world.another()
    first = submit_deletion(spare, by=curator)
    assert submit_deletion(spare, by=curator) == first
