from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser

from accounts import personal_data
from accounts.models import User
from accounts.services import delete_account
from retrieval.datasets.services.pictures import shown_picture_of
from retrieval.models import Dataset, Search
from retrieval.search.services import access, sharing
from tests.retrieval.pictures import jpeg
from tests.retrieval.world import World, replaced

pytestmark = [pytest.mark.django_db, pytest.mark.services]

Captured = Any  # pytest-django's django_capture_on_commit_callbacks


def test_one_sees_ones_own_searches_only(world: World, member: User, other_member: User, curator: User) -> None:
    search = world.ask(member)
    assert list(access.visible_searches(member)) == [search]
    for stranger in (other_member, curator, AnonymousUser()):
        assert not access.visible_searches(stranger).exists()


def test_a_link_leads_to_a_search_until_it_is_revoked(world: World, member: User) -> None:
    search = world.ask(member)
    assert sharing.shared_search("") is None
    sharing.set_shared(search, True)
    token = search.share_token
    assert token is not None and len(token) == 43 and sharing.shared_search(token) == search
    sharing.set_shared(search, False)
    sharing.set_shared(search, False)
    assert sharing.shared_search(token) is None
    sharing.set_shared(search, True)
    assert search.share_token != token


def test_an_uploaded_query_is_its_own_file(world: World, member: User) -> None:
    upload, gallery = world.ask(member, upload=jpeg()), world.ask(member)
    assert access.query_file(upload, member).read() == upload.upload.read_bytes()
    assert access.query_file(gallery, member) == shown_picture_of(gallery.query_image)


# --- personal data


def test_the_export_holds_ones_own_searches(world: World, member: User, other_member: User) -> None:
    search = world.ask(member)
    world.ask(other_member)
    [row] = personal_data.export_all(member)["searches"]
    assert row["id"] == str(search.pk) and [dataset["name"] for dataset in row["datasets"]] == ["Wings"]
    assert [result["model_name"] for result in row["results"]] == ["SoftTriple"] * 3 + ["Multi-Similarity"] * 3
    assert row["query"]["path"] == world.test_images[0].path and row["name"] == "" and row["shared"] is False


def test_the_export_tells_names_refinements_and_terms(world: World, member: User) -> None:
    root = world.ask(member, upload=jpeg())
    values: dict[str, Any] = {
        "name": "Cropped",
        "box": [0, 0, 0.5, 0.5],
        "threshold": 0.5,
        "filters": {"splits": ["test"]},
    }
    Search.objects.create(owner=member, root=root, k=3, more=[1], less=[2], share_token="x" * 43, **values)
    refined, first = personal_data.export_all(member)["searches"]
    assert first["query"] is None and first["root"] is None
    assert refined["root"] == str(root.pk) and refined["shared"] is True
    values["filters"] = {"splits": ["test"], "classes": []}
    assert {key: refined[key] for key in values} == values
    assert (refined["more_like"], refined["less_like"]) == ([1], [2])


def test_a_person_who_leaves_takes_their_uploads_along_and_nobody_elses(
    world: World, member: User, other_member: User, django_capture_on_commit_callbacks: Captured
) -> None:
    mine, theirs = world.ask(member, upload=jpeg(1)), world.ask(other_member, upload=jpeg(2))
    gallery = world.ask(member)
    with django_capture_on_commit_callbacks(execute=True):
        delete_account(member)
    assert list(Search.objects.all()) == [theirs]
    assert theirs.upload.exists() and not mine.upload.exists()
    assert gallery.query_image.file.exists(), "gallery pictures are nobody's"


def test_a_departure_that_fails_midway_keeps_the_uploads(
    world: World, member: User, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Captured
) -> None:
    search = world.ask(member, upload=jpeg())

    def fail(user: User) -> None:
        raise OSError("disk")

    sections = {"broken": personal_data.Section(lambda user: [], fail), **personal_data.SECTIONS}
    monkeypatch.setattr(personal_data, "SECTIONS", sections)
    with django_capture_on_commit_callbacks(execute=True), pytest.raises(OSError, match="disk"):
        delete_account(member)
    assert Search.objects.filter(pk=search.pk).exists() and search.upload.exists()


def test_data_sets_outlive_the_curator_who_made_them(world: World, curator: User) -> None:
    Dataset.objects.update(created_by=curator)
    delete_account(curator)
    assert Dataset.objects.get().created_by is None


def test_the_worlds_own_files_cannot_be_damaged_by_a_test(world: World, trained: Any) -> None:
    file = world.models[0].folder / "metrics.json"
    replaced(file, b"rot")
    assert (trained.media / world.models[0].artifact / "metrics.json").read_bytes() != b"rot"
