import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import personal_data
from accounts.models import User
from accounts.services import delete_account
from config.undo import UNDO_SECONDS
from jobs.registry import SWEEPS
from ratings.services.exports import _marks
from ratings.services.my_ratings import export_ratings
from retrieval.datasets.services.deleting import searches_over
from retrieval.models import Mark, Search
from retrieval.pages.services.storage.garbage import _left_overs
from retrieval.search.services import access, history, marks, sharing
from retrieval.search.services.quotas import used_searches
from tests.retrieval.pictures import jpeg
from tests.retrieval.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.services]

Captured = Any  # pytest-django's django_capture_on_commit_callbacks


def minutes_later(capture: Captured) -> None:
    """Let the sweeper come once the deletions of now can no longer be undone."""
    with capture(execute=True):
        SWEEPS["deleted searches"](timezone.now() + access.KEEP_DELETED)


def test_a_deleted_search_is_hidden_at_once_and_restored_whole(world: World, member: User) -> None:
    search = world.ask(member, upload=jpeg())
    ranking = search.rankings.all()[0]
    marks.mark(member, ranking, ranking.image_ids[0], 2)
    history.save_search(search, "Kept")
    access.delete_search(search)
    assert not Search.objects.exists() and search.upload.exists()
    assert not access.visible_searches(member).exists()
    assert access.restore_search(access.deleted_searches(member).get())
    restored = access.visible_searches(member).get()
    assert restored.name == "Kept" and marks.own_marks(member).get().value == 2
    assert not access.deleted_searches(member).exists()


def test_nothing_of_a_deleted_search_leaks(
    world: World, member: User, curator: User, client: Client, member_client: Client, member_api: APIClient
) -> None:
    search = world.ask(member, upload=jpeg())
    refined = world.ask(member, like=search, k=4)
    ranking = search.rankings.all()[0]
    image = ranking.image_ids[0]
    marks.mark(member, ranking, image, 2)
    sharing.set_shared(search, True)
    history.save_search(refined, "Very secret")
    token = search.share_token
    shared = [
        reverse("shared", args=[token]),
        reverse("shared-query", args=[token]),
        reverse("shared-picture", args=[token, image]),
        reverse("shared-result", args=[token, ranking.pk, image]),
        reverse("shared-explanation", args=[token, ranking.pk, image]),
    ]
    own = [
        reverse("search-detail", args=[search.pk]),
        reverse("search-detail", args=[refined.pk]),
        reverse("search-picture", args=[search.pk]),
        reverse("search-result", args=[search.pk, ranking.pk, image]),
        reverse("search-results", args=[search.pk, "csv"]),
        reverse("explanation", args=[search.pk, ranking.pk, image]),
    ]
    api = [f"/api/v1/searches/{search.pk}/{part}" for part in ("", "prediction/", "results/csv/")]
    assert {client.get(url).status_code for url in shared} == {200}
    access.delete_search(search)
    assert {client.get(url).status_code for url in shared} == {404}
    assert {member_client.get(url).status_code for url in own} == {404}
    assert {member_api.get(url).status_code for url in api} == {404}
    assert member_api.get("/api/v1/searches/").json()["results"] == []
    assert member_api.get("/api/v1/marks/").json()["results"] == []
    pages = [reverse(name) for name in ("search", "searches", "searches-saved", "my-marks")]
    assert not [url for url in pages if str(search.pk) in member_client.get(url).content.decode()]
    assert "Very secret" not in json.dumps(personal_data.export_all(member), default=str)
    assert export_ratings(member)["marks"] == [] and not _marks(curator, world.dataset).exists()
    assert not sharing.links_into(curator).exists()
    assert not marks.markable_rankings(member).filter(pk=ranking.pk).exists()
    assert member_client.post(reverse("mark", args=[ranking.pk]), {"image": image, "value": 1}).status_code == 404
    assert [row.used for row in used_searches(member)] == [0, 0]
    assert list(history.entries_of(member)) == []


def test_a_root_takes_its_refinements_along_and_a_refinement_nothing(
    world: World, member: User, django_capture_on_commit_callbacks: Captured
) -> None:
    root = world.ask(member, upload=jpeg())
    first, second = world.ask(member, like=root, k=4), world.ask(member, like=root, k=5)
    assert (
        list(access.roots_of(member)) == [root] and access.query_file(second, member).read() == root.upload.read_bytes()
    )
    access.delete_search(first)
    assert set(Search.objects.all()) == {root, second}
    assert history.entries_of(member).get().refined == 1
    access.delete_search(root)
    assert not Search.objects.exists()
    assert access.deleted_searches(member).get() == root, "a refinement comes back with its root only"
    assert access.restore_search(access.deleted_searches(member).get())
    assert set(Search.objects.all()) == {root, second}, "what was deleted before stays deleted"
    minutes_later(django_capture_on_commit_callbacks)
    assert set(Search.stored.all()) == {root, second} and root.upload.exists()


def test_after_its_time_a_deleted_search_is_removed_with_its_picture(
    world: World, member: User, django_capture_on_commit_callbacks: Captured
) -> None:
    kept, search = world.ask(member, upload=jpeg(1)), world.ask(member, upload=jpeg(2))
    access.delete_search(search)
    with django_capture_on_commit_callbacks(execute=True):
        SWEEPS["deleted searches"](timezone.now() + timedelta(seconds=UNDO_SECONDS))
    assert Search.stored.count() == 2 and search.upload.exists(), "the offer to undo may just have been taken"
    minutes_later(django_capture_on_commit_callbacks)
    assert list(Search.stored.all()) == [kept] and kept.upload.exists() and not search.upload.exists()
    deleted = Search.objects.get(pk=kept.pk)
    deleted.deleted_at = timezone.now()
    assert not access.restore_search(deleted), "it was not deleted at that moment"


def test_a_search_whose_file_is_gone_already_is_removed(
    world: World, member: User, django_capture_on_commit_callbacks: Captured
) -> None:
    search = world.ask(member, upload=jpeg())
    search.upload.unlink()
    access.delete_search(search)
    minutes_later(django_capture_on_commit_callbacks)
    assert not Search.stored.exists()


def test_a_person_who_leaves_takes_deleted_searches_along_at_once(
    world: World, member: User, django_capture_on_commit_callbacks: Captured
) -> None:
    search = world.ask(member, upload=jpeg())
    access.delete_search(search)
    with django_capture_on_commit_callbacks(execute=True):
        delete_account(member)
    assert not Search.stored.exists() and not search.upload.exists()


def test_until_then_its_files_are_nobodys_left_over_and_its_data_set_knows_it(world: World, member: User) -> None:
    search = world.ask(member, upload=jpeg())
    access.delete_search(search)
    assert search.upload_key not in {key for key, _ in _left_overs()}
    assert list(searches_over(world.dataset)) == [search]


def test_a_member_takes_a_deletion_back(member_client: Client, member: User, other_member: User, world: World) -> None:
    search, theirs = world.ask(member), world.ask(other_member)
    answer = member_client.post(reverse("search-delete", args=[search.pk]), follow=True)
    restore = reverse("search-restore", args=[search.pk])
    assert f'action="{restore}"' in answer.content.decode() and not access.visible_searches(member).exists()
    assert member_client.post(restore)["Location"] == reverse("search-detail", args=[search.pk])
    assert f'action="{restore}"' not in member_client.get(reverse("searches")).content.decode()
    access.delete_search(theirs)
    assert member_client.post(reverse("search-restore", args=[theirs.pk]))["Location"] == reverse("searches")
    assert not access.visible_searches(other_member).exists()


def test_a_deletion_that_was_long_ago_cannot_be_taken_back(member_client: Client, member: User, world: World) -> None:
    search = world.ask(member)
    access.delete_search(search)
    Search.stored.update(deleted_at=timezone.now() - access.KEEP_DELETED)
    answer = member_client.post(reverse("search-restore", args=[search.pk]), follow=True)
    assert 'class="message error"' in answer.content.decode() and not Search.objects.exists()


def test_the_api_restores_for_a_minute(member_api: APIClient, member: User, world: World) -> None:
    search = world.ask(member)
    url = f"/api/v1/searches/{search.pk}/"
    assert member_api.delete(url).status_code == 204 and member_api.get(url).status_code == 404
    assert member_api.delete(url).status_code == 404
    assert member_api.post(f"{url}restore/").json()["id"] == str(search.pk)
    assert member_api.post(f"{url}restore/").status_code == 200, "it is there, as it should be"
    member_api.delete(url)
    Search.stored.update(deleted_at=timezone.now() - access.KEEP_DELETED)
    assert member_api.post(f"{url}restore/").status_code == 404


def test_a_removed_mark_is_given_again_as_it_was(member_client: Client, member: User, world: World) -> None:
    ranking = world.ask(member).rankings.all()[0]
    marks.mark(member, ranking, ranking.image_ids[0], 2)
    given = marks.own_marks(member).get()
    answer = member_client.post(reverse("my-mark-remove", args=[given.pk]), follow=True)
    offer = answer.context["undo_offer"]
    assert not Mark.objects.exists() and offer["url"] == reverse("my-mark-restore", args=[ranking.pk])
    member_client.post(offer["url"], offer["fields"])
    again = marks.own_marks(member).get()
    assert (again.value, again.image_id, again.rated_at) == (2, given.image_id, given.rated_at)
    marks.mark(member, ranking, ranking.image_ids[0], 0)
    member_client.post(offer["url"], offer["fields"])
    assert marks.own_marks(member).get().value == 0, "a mark that was given since stays"
    assert member_client.post(offer["url"], {"image": "x"}, follow=True).status_code == 200


def test_nobody_restores_a_mark_on_anothers_search(member_client: Client, other_member: User, world: World) -> None:
    ranking = world.ask(other_member).rankings.all()[0]
    values = {"image": ranking.image_ids[0], "value": 2, "rated_at": timezone.now().isoformat()}
    assert member_client.post(reverse("my-mark-restore", args=[ranking.pk]), values).status_code == 404
    assert not Mark.objects.exists()


def test_a_name_that_was_changed_or_removed_comes_back(member_client: Client, member: User, world: World) -> None:
    search = world.ask(member)
    save, unsave = reverse("search-save", args=[search.pk]), reverse("search-unsave", args=[search.pk])
    first = member_client.post(save, {"name": "First"}, follow=True)
    assert "undo_offer" not in first.context, "nothing was lost"
    for change, values in ((save, {"name": "Second"}), (unsave, {})):
        offer = member_client.post(change, values, follow=True).context["undo_offer"]
        answer = member_client.post(offer["url"], offer["fields"], follow=True)
        assert access.visible_searches(member).get().name == "First" and "undo_offer" not in answer.context
