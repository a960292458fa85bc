from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts.models import AuditEntry, User
from config.errors import Conflict, Rejected
from jobs.models import Job
from ratings.models import Ballot
from retrieval.datasets.services import adding, curating
from retrieval.datasets.services import deleting_pictures as deleting
from retrieval.datasets.services.catalogue import fresh_catalogue
from retrieval.datasets.services.importing import submit_import
from retrieval.datasets.services.pictures import shown_picture_of, thumbnail_of
from retrieval.models import Dataset, Image, Index, Mark, Search
from retrieval.search.services.marks import mark
from retrieval.search.services.results import results_of
from retrieval.search.services.run_search import searchable_models, system_search
from tests.retrieval.pictures import jpeg
from tests.retrieval.world import WINGS, World, done, failed

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def keys(images: list[Image]) -> list[int]:
    return [image.pk for image in images]


def deleted(dataset: Dataset, pictures: list[Image], by: User | None = None) -> Job:
    return done(deleting.submit_picture_deletion(dataset, keys(pictures), by=by))


def again(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(state="queued", finished_at=None)
    done(job)


def test_pictures_go_with_their_rows_and_files(world: World, curator: User) -> None:
    going = world.test_images[:2]
    files = [file for image in going for file in (image.file, thumbnail_of(image), shown_picture_of(image))]
    assert all(file.exists() for file in files)
    job = deleted(world.dataset, going, by=curator)
    row = Dataset.objects.get()
    assert job.result == {"dataset": row.pk, "deleted": 2} and job.message == "2 pictures deleted"
    assert not any(file.exists() for file in files) and not Image.objects.filter(pk__in=keys(going)).exists()
    assert row.revision == 3 and row.history[-1]["what"] == "2 pictures deleted" and row.report["images"] == 46
    assert {picture.id for picture in fresh_catalogue(row.pk)[1].pictures} == set(keys(list(row.images.all())))
    entry = AuditEntry.objects.get(action="delete-pictures")
    assert (entry.target, entry.who) == ("Wings", curator)
    assert entry.details == {"pictures": 2, "searches": 0, "paths": [image.path for image in going]}


def test_the_next_index_is_without_them(world: World) -> None:
    deleted(world.dataset, world.test_images[:1])
    rebuilds = list(Job.objects.filter(kind="index", state="queued"))
    assert {job.payload["model"] for job in rebuilds} == {model.pk for model in world.models}
    done(rebuilds[0])
    assert Index.objects.get(active=True, model=rebuilds[0].payload["model"]).count == 47


def test_a_search_asks_for_as_many_answers_though_its_index_still_holds_what_is_gone(
    world: World, member: User
) -> None:
    gone = Image.objects.get(pk=world.ask(member, k=1).rankings.all()[0].image_ids[0])
    deleted(world.dataset, [gone])
    for ranking in world.ask(member, k=5).rankings.all():
        assert len(ranking.image_ids) == 5 and gone.pk not in ranking.image_ids


def test_earlier_answers_stay_without_it_and_so_do_marks_of_others(world: World, member: User) -> None:
    search = world.ask(member, k=3)
    ranking = search.rankings.all()[0]
    gone, kept = ranking.image_ids[:2]
    mark(member, ranking, gone, 2)
    mark(member, ranking, kept, 1)
    deleted(world.dataset, [Image.objects.get(pk=gone)])
    column = results_of(Search.objects.get(), member).columns[0]
    assert [(result.image, result.rank) for result in column.results] == [
        (pk, rank) for rank, pk in enumerate(ranking.image_ids, 1) if pk != gone
    ]
    assert Mark.objects.get().image_id == kept


def test_searches_that_asked_with_it_go_with_their_refinements(world: World, member: User) -> None:
    asked = world.test_images[0]
    search, other = world.ask(member, image=asked), world.ask(member, image=world.test_images[1])
    world.ask(member, image=None, like=search)
    deleted(world.dataset, [asked])
    assert Search.objects.get() == other
    assert AuditEntry.objects.get(action="delete-pictures").details["searches"] == 2


def test_a_search_that_was_moved_towards_it_can_still_be_refined(world: World, member: User) -> None:
    from retrieval.search.services.options import SearchOptions, options_of

    plain = world.ask(member)
    liked = plain.rankings.all()[0].image_ids[0]
    moved = world.ask(member, image=None, like=plain, options=SearchOptions(more_like=(liked,)))
    deleted(world.dataset, [Image.objects.get(pk=liked)])
    for job in Job.objects.filter(kind="index", state="queued"):
        done(job)
    assert world.ask(member, image=None, like=moved, options=options_of(moved)).rankings.count() == 2


def test_what_was_voted_on_blind_stays_and_an_open_ballot_goes(world: World, member: User) -> None:
    query, other = world.test_images[:2]
    models = list(searchable_models(world.dataset))
    voted = Ballot.objects.create(who=member, search=system_search(query, models, 3), order=[])
    voted.voted_at = voted.shown_at
    voted.save()
    Ballot.objects.create(who=member, search=system_search(other, models, 3), order=[])
    with pytest.raises(Conflict, match="used by 1 rated ballot"):
        deleting.submit_picture_deletion(world.dataset, keys([query, other]), by=None)
    assert not Job.objects.filter(kind="delete-pictures").exists()
    deleted(world.dataset, [other])
    assert Ballot.objects.get() == voted


def test_a_key_is_never_given_again(world: World) -> None:
    last = Image.objects.latest("pk")
    deleted(world.dataset, [last])
    files = [SimpleUploadedFile("new.jpg", jpeg(1))]
    done(adding.submit_pictures(world.dataset, files, world.dataset.class_names[0], by=None))
    assert Image.objects.latest("pk").pk > last.pk


def test_what_another_set_shows_stays(world: World) -> None:
    twin = submit_import(name="Twin", by=None, source=WINGS)
    done(twin.job)
    going = world.test_images[0]
    thumbnail = thumbnail_of(going)
    deleted(world.dataset, [going])
    assert thumbnail.exists() and not going.file.exists() and twin.images.count() == 48


# --- what is refused


def test_too_little_is_never_left(world: World) -> None:
    with pytest.raises(Rejected, match="0 test classes"):
        deleting.submit_picture_deletion(world.dataset, keys(world.test_images), by=None)
    every = keys([*world.train_images, *world.test_images])
    with pytest.raises(Rejected, match="at least two visible pictures"):
        deleting.submit_picture_deletion(world.dataset, every[1:], by=None)
    assert not Job.objects.filter(kind="delete-pictures").exists()


def test_hidden_pictures_may_go_whatever_is_left(world: World) -> None:
    curating.set_hidden(world.dataset, keys(world.test_images), True, by=None)
    deleted(world.dataset, world.test_images)
    assert world.dataset.images.count() == 24 and Dataset.objects.get().revision == 3


@pytest.mark.parametrize(("pictures", "sentence"), [([], "at least one"), ([10**9], "no picture 1000000000")])
def test_a_wrong_choice_is_refused(world: World, pictures: list[int], sentence: str) -> None:
    with pytest.raises(Rejected, match=sentence):
        deleting.submit_picture_deletion(world.dataset, pictures, by=None)


def test_a_set_is_changed_by_one_job_at_a_time(world: World) -> None:
    one, other = keys(world.test_images[:2])
    job = deleting.submit_picture_deletion(world.dataset, [one], by=None)
    assert deleting.submit_picture_deletion(world.dataset, [one], by=None) == job
    with pytest.raises(Conflict, match=rf"job {job.pk} \(delete-pictures\) is already changing Wings"):
        deleting.submit_picture_deletion(world.dataset, [other], by=None)


def test_what_came_to_need_it_meanwhile_ends_the_job_and_they_stay_hidden(world: World, member: User) -> None:
    held_out = world.test_images
    job = deleting.submit_picture_deletion(world.dataset, keys(held_out[:2]), by=None)
    search = Search.objects.create(query_image=held_out[0], k=1)
    Ballot.objects.create(who=member, search=search, order=[], voted_at=timezone.now())
    assert "1 rated ballot" in failed(job)
    assert world.dataset.images.count() == 48 and held_out[0].file.exists()
    assert world.dataset.images.filter(hidden=True).count() == 2
    assert not AuditEntry.objects.filter(action="delete-pictures").exists()


# --- crashes


def test_a_job_killed_between_rows_and_files_is_taken_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    going = world.test_images[0]
    job = deleting.submit_picture_deletion(world.dataset, [going.pk], by=None)

    def denied(*args: Any, **kwargs: Any) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr("pathlib.Path.unlink", denied)
        assert "Permission denied" in failed(job)
    assert not Image.objects.filter(pk=going.pk).exists() and going.file.exists()
    again(job)
    assert not going.file.exists() and Dataset.objects.get().revision == 3
    assert AuditEntry.objects.filter(action="delete-pictures").count() == 1


def test_a_repeat_leaves_what_has_come_to_the_same_place(world: World) -> None:
    going = world.test_images[0]
    job = deleted(world.dataset, [going])
    going.file.write_bytes(jpeg(1))
    Image.objects.create(
        dataset=world.dataset,
        path=going.path,
        label=going.label,
        split=going.split,
        sha256="0" * 64,
        width=48,
        height=32,
    )
    again(job)
    assert going.file.exists()
