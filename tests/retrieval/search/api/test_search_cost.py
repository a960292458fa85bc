"""What a search over HTTP costs besides its network: SQL statements, writes and renderings."""

import shutil
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.renderers import JSONRenderer
from rest_framework.test import APIClient

from accounts.models import ApiToken
from config import places
from retrieval.models import Model
from retrieval.search.result_serializers import ColumnSerializer, ResultSerializer
from tests.retrieval.pictures import jpeg
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db

SEARCHES = "/api/v1/searches/"
MOST_STATEMENTS = 8
CONTROL = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")  # of transactions


def statements(queries: CaptureQueriesContext) -> list[str]:
    """Return what the database was asked, and told to change."""
    return [query["sql"] for query in queries if not query["sql"].startswith(CONTROL)]


def searched(api: APIClient, world: World, models: list[Model]) -> list[str]:
    """Search with a picture of one's own; return the statements."""
    body = {
        "datasets": world.dataset.pk,
        "models": [model.pk for model in models],
        "file": SimpleUploadedFile("a.jpg", jpeg(), "image/jpeg"),
    }
    with CaptureQueriesContext(connection) as queries:
        answer = api.post(SEARCHES, body, format="multipart")
    assert answer.status_code == 201
    assert len(answer.json()["columns"]) == len(models)
    return statements(queries)


def third_model(world: World) -> Model:
    """Return a copy of a model with an index of its own."""
    model, index = Model.objects.select_related("run").get(pk=world.models[0].pk), world.index_of(world.models[0])
    run = model.run
    assert run is not None
    run.pk, run.seed = None, 7
    run.save(force_insert=True)
    folder, index_folder = model.folder, index.folder
    model.pk, model.run, model.artifact, model.name = None, run, f"{model.artifact}-copy", "Copy"
    index.path = f"{index.path}-copy"
    for source, target in ((folder, model.artifact), (index_folder, index.path)):
        shutil.copytree(source, places.media() / target)
    model.save(force_insert=True)
    index.pk, index.model = None, model
    index.save(force_insert=True)
    return model


def test_a_search_takes_at_most_eight_statements_whatever_the_models(member_api: APIClient, world: World) -> None:
    models = [*world.models, third_model(world)]
    searched(member_api, world, models)  # notes the token's use, which the next minute needs no more
    one, three = searched(member_api, world, models[:1]), searched(member_api, world, models)
    assert len(one) <= MOST_STATEMENTS, one
    assert len(three) == len(one), three


def test_the_use_of_a_token_is_written_once_a_minute(member_api: APIClient, world: World) -> None:
    def writes() -> int:
        return sum("UPDATE" in sql and "apitoken" in sql for sql in searched(member_api, world, world.models))

    assert [writes(), writes(), writes()] == [1, 0, 0]
    ApiToken.objects.update(last_used_at=timezone.now() - timedelta(seconds=61))
    assert [writes(), writes()] == [1, 0]


def test_a_long_body_reads_its_token_once(member_api: APIClient, world: World) -> None:
    """The guard of bodies asks who sends it before the view does."""
    searched(member_api, world, world.models)
    picture = SimpleUploadedFile("a.jpg", jpeg() + bytes(100_000), "image/jpeg")
    with CaptureQueriesContext(connection) as queries:
        answer = member_api.post(SEARCHES, {"datasets": world.dataset.pk, "file": picture}, format="multipart")
    assert answer.status_code == 201
    assert sum("apitoken" in sql for sql in statements(queries)) == 1


def test_an_answer_is_rendered_once(member_api: APIClient, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    rendered, render = [], JSONRenderer.render

    def noted(self: JSONRenderer, data: object, *args: object, **kwargs: object) -> object:
        rendered.extend([data] if isinstance(data, dict) and "columns" in data else [])  # not what a client sends
        return render(self, data, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(JSONRenderer, "render", noted)
    made = member_api.post(SEARCHES, {"datasets": [world.dataset.pk], "image_id": world.test_images[0].pk})
    assert made.status_code == 201 and len(rendered) == 1
    read = member_api.get(made["Location"])
    assert (read.content, read["ETag"], len(rendered)) == (made.content, made["ETag"], 2)
    indented = member_api.get(made["Location"], HTTP_ACCEPT="application/json; indent=2")
    assert indented.json() == made.json() and b"\n  " in indented.content


def test_an_answer_has_the_version_of_what_is_stored_in_whatever_order_data_sets_are_named(
    member_api: APIClient, world: World
) -> None:
    other = world.another()
    picture = world.test_images[0].pk
    for named in ([world.dataset.pk, other.pk], [other.pk, world.dataset.pk]):
        made = member_api.post(SEARCHES, {"datasets": named, "image_id": picture}, format="json")
        read = member_api.get(made["Location"])
        assert (read.json(), read["ETag"]) == (made.json(), made["ETag"])
        renamed = member_api.patch(made["Location"], {"name": "Owls"}, format="json", HTTP_IF_MATCH=made["ETag"])
        assert renamed.status_code == 200


def test_columns_have_the_fields_that_the_schema_describes(member_api: APIClient, world: World) -> None:
    made = member_api.post(SEARCHES, {"datasets": [world.dataset.pk], "image_id": world.test_images[0].pk})
    column = made.json()["columns"][0]
    assert list(column) == list(ColumnSerializer().fields)
    for result in column["results"]:
        assert list(result) == list(ResultSerializer().fields)
        address = f"http://testserver/api/v1/images/{result['image']}/file/"
        assert (result["url"], result["thumbnail_url"]) == (address, f"{address}?size=thumbnail")
