import pytest
from rest_framework.test import APIClient

from tests.retrieval.indexes.test_services import active, rebuilt
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db

ROOT = "/api/v1/indexes/"


def test_a_curator_lists_indexes_and_switches(curator_api: APIClient, world: World) -> None:
    model = world.models[0]
    old = world.index_of(model)
    new = rebuilt(model)
    rows = curator_api.get(ROOT, {"model": model.pk, "active": True}).json()["results"]
    assert [row["id"] for row in rows] == [new.pk]
    answer = curator_api.post(f"{ROOT}{old.pk}/activate/")
    assert answer.status_code == 200 and answer.json()["active"] and active(model) == [old]


def test_an_index_without_files_is_refused(curator_api: APIClient, world: World) -> None:
    old = world.index_of(world.models[0])
    rebuilt(world.models[0])
    old.folder.rename(old.folder.with_name("elsewhere"))
    answer = curator_api.post(f"{ROOT}{old.pk}/activate/")
    assert answer.status_code == 400 and "are gone" in answer.json()["detail"]


def test_indexes_are_for_curators(member_api: APIClient, curator_api: APIClient, world: World) -> None:
    index = world.index_of(world.models[0])
    assert member_api.get(ROOT).status_code == 403
    assert member_api.post(f"{ROOT}{index.pk}/activate/").status_code == 403
    assert curator_api.post(f"{ROOT}{'9' * 25}/activate/").status_code == 404
