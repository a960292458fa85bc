from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from retrieval.models import Image, Search
from retrieval.search.services import history
from tests.retrieval.pictures import jpeg
from tests.retrieval.search.services.test_history import refined
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db


def page(client: Client, name: str = "searches", number: int = 1) -> str:
    answer = client.get(reverse(name), {"page": number})
    assert answer.status_code == 200
    return answer.content.decode()


def save(client: Client, search: Search, name: str, **values: Any) -> Any:
    return client.post(reverse("search-save", args=[search.pk]), {"name": name, **values})


def test_an_entry_shows_its_picture_its_count_and_leads_to_the_newest(
    member_client: Client, member: User, other_member: User, world: World
) -> None:
    root, theirs = world.ask(member), world.ask(other_member)
    last = refined(root)
    text = page(member_client)
    assert reverse("thumbnail", args=[root.query_image_id]) in text and reverse("search-detail", args=[last.pk]) in text
    assert "2 searches" in text and "All (1)" in text and "Saved (0)" in text
    assert text.count("<img") == 1 and str(theirs.pk) not in text


def test_an_entry_shows_the_picture_that_was_sent_and_none_that_is_hidden(
    member_client: Client, member: User, world: World
) -> None:
    own, hidden = world.ask(member, upload=jpeg()), world.ask(member)
    Image.objects.filter(pk=hidden.query_image_id).update(hidden=True)
    text = page(member_client)
    sent, gone = (reverse("search-picture", args=[search.pk]) for search in (own, hidden))
    assert sent in text and member_client.get(sent)["Cache-Control"] == "private, no-store"
    assert gone not in text and member_client.get(gone).status_code == 404


def test_many_entries_come_in_pages(member_client: Client, member: User, world: World) -> None:
    Search.objects.bulk_create(Search(owner=member, query_image=world.test_images[0], k=1) for _ in range(25))
    assert page(member_client).count("<img") == 24 and page(member_client, number=2).count("<img") == 1
    assert "Page 2 of 2" in page(member_client, number=99)


def test_a_search_is_saved_from_its_answers_and_found_again(member_client: Client, member: User, world: World) -> None:
    search = world.ask(member)
    detail = reverse("search-detail", args=[search.pk])
    assert reverse("search-save", args=[search.pk]) in page_of(member_client, detail)
    assert save(member_client, search, "Blue <b>wings</b>")["Location"] == detail
    assert "Saved as <bdi>Blue &lt;b&gt;wings&lt;/b&gt;</bdi>" in page_of(member_client, detail)
    assert "Blue &lt;b&gt;wings" in page(member_client, "searches-saved") and "Saved (1)" in page(member_client)


def page_of(client: Client, address: str) -> str:
    return client.get(address).content.decode()


def test_a_saved_search_is_renamed_and_unsaved_where_it_stands(
    member_client: Client, member: User, world: World
) -> None:
    search, back = world.ask(member), reverse("searches-saved")
    save(member_client, search, "Before")
    assert save(member_client, search, "After", back=back)["Location"] == back
    assert "After" in page(member_client, "searches-saved")
    assert member_client.post(reverse("search-unsave", args=[search.pk]), {"back": back})["Location"] == back
    assert "no saved searches yet" in page(member_client, "searches-saved")


@pytest.mark.parametrize("back", ["https://elsewhere.example/", "//elsewhere.example/", "javascript:alert(1)", ""])
def test_no_form_leads_off_the_site(member_client: Client, member: User, world: World, back: str) -> None:
    search = world.ask(member)
    assert save(member_client, search, "Kept", back=back)["Location"] == reverse("search-detail", args=[search.pk])


def test_a_name_that_is_none_is_explained(member_client: Client, member: User, world: World) -> None:
    search = world.ask(member)
    answer = member_client.post(reverse("search-save", args=[search.pk]), {"name": "x" * 81}, follow=True)
    assert "Not saved: a name has at most 80 characters, not 81." in answer.content.decode()


def test_nobody_touches_anothers_search(member_client: Client, other_member: User, world: World) -> None:
    theirs = world.ask(other_member)
    history.save_search(theirs, "Theirs")
    for name in ("search-save", "search-unsave", "search-delete"):
        assert member_client.post(reverse(name, args=[theirs.pk]), {"name": "Mine"}).status_code == 404
    theirs.refresh_from_db()
    assert theirs.name == "Theirs"


def test_all_is_deleted_only_after_it_was_asked(member_client: Client, member: User, world: World) -> None:
    plain, saved = world.ask(member), world.ask(member)
    history.save_search(saved, "Kept")
    text = page(member_client, "searches-delete")
    assert "2 entries" in text and "1 is saved" in text and Search.objects.count() == 2
    answer = member_client.post(reverse("searches-delete"), follow=True)
    assert "1 entry deleted" in answer.content.decode() and list(Search.objects.all()) == [saved]
    member_client.post(reverse("searches-delete"), {"saved": "1"})
    assert not Search.objects.filter(pk__in=[plain.pk, saved.pk]).exists()
    assert "no searches to delete" in page(member_client, "searches-delete")


def test_the_history_is_for_those_who_signed_in(client: Client, world: World, member: User) -> None:
    search = world.ask(member)
    for name in ("searches", "searches-saved", "searches-delete"):
        assert client.get(reverse(name)).status_code == 302
    for name in ("search-save", "search-unsave"):
        assert client.post(reverse(name, args=[search.pk])).status_code == 302
        assert client.get(reverse(name, args=[search.pk])).status_code in (302, 405)
    assert client.post(reverse("searches-delete")).status_code == 302 and Search.objects.count() == 1
