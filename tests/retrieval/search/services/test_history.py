from typing import Any

import pytest

from accounts.models import User
from config.errors import Rejected
from retrieval.models import Search
from retrieval.search.services import access, history
from tests.retrieval.pictures import jpeg
from tests.retrieval.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.services]

Captured = Any  # pytest-django's django_capture_on_commit_callbacks


def refined(root: Search, **values: Any) -> Search:
    """Store a search with the picture of an earlier one."""
    return Search.objects.create(owner=root.owner, root=root, query_image=root.query_image, k=root.k, **values)


def entry(user: User, search: Search) -> Any:
    return history.entries_of(user).get(pk=search.pk)


# --- entries


def test_an_entry_is_a_picture_with_how_often_it_was_asked_and_when_last(world: World, member: User) -> None:
    root = world.ask(member)
    assert (entry(member, root).refined, entry(member, root).newest) == (0, root.pk)
    refined(root)
    last = refined(root)
    [found] = history.entries_of(member)
    assert (found.pk, found.refined, found.newest, found.newest_at) == (root.pk, 2, last.pk, last.created_at)  # type: ignore[attr-defined]


def test_what_was_asked_last_stands_first(world: World, member: User) -> None:
    first, second = world.ask(member), world.ask(member)
    assert list(history.entries_of(member)) == [second, first]
    refined(first)
    assert list(history.entries_of(member)) == [first, second]


def test_one_sees_ones_own_entries_and_saved_searches_only(
    world: World, member: User, other_member: User, curator: User
) -> None:
    search = world.ask(member)
    history.save_search(search, "Mine")
    for stranger in (other_member, curator):
        assert not history.entries_of(stranger).exists() and not history.saved_of(stranger).exists()


# --- saving


def test_a_search_is_saved_renamed_and_unsaved(world: World, member: User) -> None:
    search = world.ask(member)
    assert not history.saved_of(member).exists() and not entry(member, search).has_saved
    history.save_search(search, "  Blue\n wings ")
    assert history.saved_of(member).get().name == "Blue wings" and entry(member, search).has_saved
    history.save_search(search, "Red wings")
    history.save_search(search, "Red wings")
    assert [row.name for row in history.saved_of(member)] == ["Red wings"]
    history.unsave_search(search)
    history.unsave_search(search)
    assert not history.saved_of(member).exists() and Search.objects.get() == search


def test_an_entry_tells_that_a_refinement_is_saved(world: World, member: User) -> None:
    root = world.ask(member)
    history.save_search(refined(root), "Cropped")
    assert entry(member, root).has_saved and [row.root for row in history.saved_of(member)] == [root]


def test_saved_searches_stand_by_name(world: World, member: User) -> None:
    for name in ("moths", "Zebras", "Admirals", "blues"):
        history.save_search(world.ask(member), name)
    assert [row.name for row in history.saved_of(member)] == ["Admirals", "blues", "moths", "Zebras"]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("", "needs a name"), (" \n\t\0 ", "needs a name"), ("x" * 81, "at most 80 characters, not 81")],
)
def test_a_name_that_is_none_is_refused_and_the_old_one_stays(
    world: World, member: User, name: str, sentence: str
) -> None:
    search = world.ask(member)
    history.save_search(search, "Before")
    with pytest.raises(Rejected, match=sentence):
        history.save_search(search, name)
    search.refresh_from_db()
    assert search.name == "Before"


# --- deleting all


def test_all_go_with_their_pictures_but_what_is_saved(
    world: World, member: User, other_member: User, django_capture_on_commit_callbacks: Captured
) -> None:
    plain, saved, inside = (world.ask(member, upload=jpeg(number)) for number in (1, 2, 3))
    theirs = world.ask(other_member, upload=jpeg(4))
    refined(plain)
    history.save_search(saved, "Kept")
    history.save_search(refined(inside), "Kept too")
    with django_capture_on_commit_callbacks(execute=True):
        assert history.delete_all(member, saved=False) == 1
    assert set(Search.objects.filter(root=None)) == {saved, inside, theirs} and Search.objects.count() == 4
    assert not plain.upload.exists() and saved.upload.exists() and inside.upload.exists()
    with django_capture_on_commit_callbacks(execute=True):
        assert history.delete_all(member, saved=True) == 2
        assert history.delete_all(member, saved=True) == 0
    assert list(Search.objects.all()) == [theirs] and theirs.upload.exists() and not saved.upload.exists()


def test_a_deletion_that_fails_midway_keeps_everything(
    world: World, member: User, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Captured
) -> None:
    search = world.ask(member, upload=jpeg())

    def fail(*_: object, **__: object) -> None:
        raise OSError("disk")

    monkeypatch.setattr(access, "partial", fail)
    with django_capture_on_commit_callbacks(execute=True), pytest.raises(OSError, match="disk"):
        history.delete_all(member, saved=True)
    assert list(Search.objects.all()) == [search] and search.upload.exists()
