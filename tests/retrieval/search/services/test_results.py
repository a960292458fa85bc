import json
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import User
from retrieval.models import Image, Index, Mark
from retrieval.search.result_serializers import ColumnSerializer, ResultSerializer, SearchSerializer
from retrieval.search.services import result_fields, results
from retrieval.search.services.marks import mark
from retrieval.search.services.options import SearchOptions
from tests.retrieval.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def test_results_count_the_columns_that_show_a_picture(world: World, member: User) -> None:
    columns = results.results_of(world.ask(member, k=20), member).columns
    assert [column.record for column in columns] == world.models
    sets = [{result.image for result in column.results} for column in columns]
    for column in columns:
        assert [result.rank for result in column.results] == list(range(1, 21))
        for result in column.results:
            assert result.shared_count == sum(result.image in ids for ids in sets)


@pytest.mark.parametrize("how", ["deleted", "hidden"])
def test_a_picture_gone_since_is_left_out_and_ranks_stay(world: World, member: User, how: str) -> None:
    search = world.ask(member)
    gone = Image.objects.filter(pk=search.rankings.all()[0].image_ids[0])
    gone.delete() if how == "deleted" else gone.update(hidden=True)
    assert [result.rank for result in results.results_of(search, member).columns[0].results] == [2, 3]


def test_the_threshold_hides_what_is_below_and_counts_it(world: World, member: User) -> None:
    plain = world.ask(member, k=20)
    middle = plain.rankings.all()[0].scores[9]
    search = world.ask(member, k=20, options=SearchOptions(threshold=middle))
    for column, ranking in zip(results.results_of(search, member).columns, search.rankings.all(), strict=True):
        kept = [score for score in ranking.scores if score >= middle]
        assert [result.similarity for result in column.results] == kept
        assert column.below_threshold == 20 - len(kept)


def test_the_overlap_is_the_share_of_pictures_in_common(world: World, member: User) -> None:
    search = world.ask(member, k=10)
    summary = results.summary_of(results.results_of(search, member), member)
    first, second = (set(ranking.image_ids) for ranking in search.rankings.all())
    [pair] = summary.overlaps
    assert [pair.first, pair.second] == world.models and pair.share == len(first & second) / 10
    assert (summary.shown, summary.below_threshold, summary.outdated) == (20, 0, [])


def test_an_index_older_than_its_data_set_is_named_and_a_data_set_without_one(world: World, member: User) -> None:
    moths = world.another(world.models[0])
    world.dataset.revision += 1
    world.dataset.save()
    found = results.results_of(world.ask(member, datasets=[world.dataset, moths]), member)
    assert set(results.summary_of(found, member).outdated) == set(Index.objects.filter(dataset=world.dataset))
    assert [column.missing_datasets for column in found.columns] == [(), ("Moths",)]


def test_a_result_has_the_mark_of_who_looks(world: World, member: User, other_member: User) -> None:
    search = world.ask(member)
    ranking = search.rankings.all()[0]
    mark(member, ranking, ranking.image_ids[1], Mark.Value.EXACTLY)
    for person, value in ((member, 2), (other_member, None)):
        assert [result.mark for result in results.results_of(search, person).columns[0].results] == [None, value, None]


def test_results_cannot_be_changed(world: World, member: User) -> None:
    [column, _] = results.results_of(world.ask(member), member).columns
    with pytest.raises(FrozenInstanceError):
        column.results = ()  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        column.results[0].mark = 2  # type: ignore[misc]


def test_several_searches_take_as_many_queries_as_one(world: World, member: User) -> None:
    searches = [world.ask(member) for _ in range(4)]
    counts = []
    for some in (searches[:1], searches):
        with CaptureQueriesContext(connection) as queries:
            found = results.results_of_all(some, member)
        counts.append(len(queries))
        assert set(found) == {search.pk for search in some}
    assert counts[0] == counts[1]


def test_many_images_are_read_in_parts(world: World, member: User, monkeypatch: pytest.MonkeyPatch) -> None:
    search = world.ask(member, k=5)
    whole = results.results_of(search, member)
    monkeypatch.setattr(results, "IMAGES_AT_ONCE", 2)
    assert results.results_of(search, member) == whole
    assert [len(column.results) for column in whole.columns] == [5, 5]


def test_the_api_the_files_and_the_personal_export_have_the_same_fields(
    world: World, member: User, member_api: APIClient
) -> None:
    search = world.ask(member, options=SearchOptions(threshold=-1.0))
    shown: dict[str, Any] = member_api.get(f"/api/v1/searches/{search.pk}/").json()
    document = json.loads(json.dumps(result_fields.document_of(results.results_of(search, member), search.query_image)))
    moment = {"created_at"}  # written with another ending: +00:00 and Z are the same
    for name in set(result_fields.SEARCH_FIELDS) - moment:
        assert document[name] == shown[name], name
    rows = [
        {name: (column if name in result_fields.COLUMN_FIELDS else row)[name] for name in result_fields.ROW_FIELDS}
        for column in shown["columns"]
        for row in column["results"]
    ]
    assert document["results"] == rows and len(rows) == 6


def test_every_public_field_is_in_the_description_of_the_api() -> None:
    assert set(result_fields.RESULT_FIELDS) <= set(ResultSerializer().fields)
    assert set(result_fields.COLUMN_FIELDS) <= set(ColumnSerializer().fields)
    assert set(result_fields.SEARCH_FIELDS) <= set(SearchSerializer(context={"results": {}}).fields)
