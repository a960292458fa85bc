from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from accounts.models import AuditEntry, User
from config.errors import Rejected
from jobs.models import Job
from ratings.models import Ballot
from ratings.services.rated_searches import ratings_on
from retrieval.datasets.services import deleting, dependencies
from retrieval.datasets.services.importing import submit_import
from retrieval.datasets.services.pictures import thumbnail_of
from retrieval.models import Dataset, Image, Index, Search
from retrieval.registry.services.indexes import submit_index
from retrieval.search.services.run_search import system_search
from storage import folder
from tests.retrieval.pictures import jpeg
from tests.retrieval.world import World, done, failed

pytestmark = [pytest.mark.django_db, pytest.mark.services]
SOURCE = "wings:species=4,per_class=3,size=32,seed=5"


@pytest.fixture
def spare(db: None) -> Dataset:
    """A data set that nothing needs."""
    dataset = submit_import(name="Spare", by=None, source=SOURCE)
    done(dataset.job)
    return Dataset.objects.get(name="Spare")


def test_a_set_goes_with_its_pictures_and_files(spare: Dataset, curator: User) -> None:
    thumbnail = thumbnail_of(spare.images.all()[0])
    job = done(deleting.submit_deletion(spare, by=curator))
    assert job.result == {"deleted": "Spare"} and not Dataset.objects.exists() and not Image.objects.exists()
    assert not spare.folder.exists() and not thumbnail.exists()
    entry = AuditEntry.objects.get(action="delete-dataset")
    assert (entry.target, entry.who, entry.details) == ("Spare", curator, {"pictures": 12})
    Job.objects.filter(pk=job.pk).update(state="queued", finished_at=None)
    done(job)


def test_what_another_set_shows_stays(spare: Dataset) -> None:
    twin = submit_import(name="Twin", by=None, source=SOURCE)
    done(twin.job)
    thumbnail = thumbnail_of(spare.images.all()[0])
    done(deleting.submit_deletion(spare, by=None))
    assert thumbnail.exists() and twin.images.count() == 12


def test_searches_and_indexes_over_it_go_too(world: World, spare: Dataset, member: User) -> None:
    model = world.models[0]
    done(submit_index(model, dataset=spare, by=None))
    index = Index.objects.get(dataset=spare)
    own = world.ask(member, datasets=[spare], models=[model], image=None, upload=jpeg(size=(64, 64)))
    other = world.ask(member)
    assert own.upload.exists() and list(deleting.searches_over(spare)) == [own]
    done(deleting.submit_deletion(spare, by=None))
    assert list(Search.objects.all()) == [other] and not own.upload.exists() and not index.folder.exists()
    assert world.index_of(model).folder.exists()


def test_a_set_that_is_needed_stays_and_the_sentence_says_by_what(world: World) -> None:
    assert [use.phrase for use in dependencies.uses_of(world.dataset)] == [
        "experiment Small",
        "model SoftTriple",
        "model Multi-Similarity",
    ]
    with pytest.raises(Rejected, match="Wings is used by experiment Small, model SoftTriple"):
        deleting.submit_deletion(world.dataset, by=None)
    assert not Job.objects.filter(kind="delete-dataset").exists()


def test_votes_keep_a_set(world: World, spare: Dataset, member: User) -> None:
    search = system_search(world.test_images[0], [model for model in _serving(world)], 3)
    ballot = Ballot.objects.create(who=member, search=search, order=[])
    assert ratings_on(world.dataset) == []
    ballot.voted_at = ballot.shown_at
    ballot.save()
    assert ratings_on(world.dataset) == ["1 rated ballot"] and ratings_on(spare) == []
    assert "1 rated ballot" in map(str, dependencies.uses_of(world.dataset))


def _serving(world: World) -> Any:
    from retrieval.search.services.run_search import searchable_models

    return searchable_models(world.dataset)


def test_a_job_keeps_a_set(spare: Dataset) -> None:
    job = Job.objects.create(kind="reimport", payload={"dataset": spare.pk})
    with pytest.raises(Rejected, match=rf"job {job.pk} \(reimport\), which is queued"):
        deleting.submit_deletion(spare, by=None)


def test_what_came_to_need_it_meanwhile_ends_the_job(spare: Dataset) -> None:
    job = deleting.submit_deletion(spare, by=None)
    Job.objects.create(kind="index", payload={"dataset": spare.pk})
    assert "Spare is used by job" in failed(job)
    assert spare.folder.exists() and spare.images.count() == 12


def test_a_job_killed_between_rows_and_files_is_taken_up(spare: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    job = deleting.submit_deletion(spare, by=None)

    def denied(*args: Any, **kwargs: Any) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(folder.shutil, "rmtree", denied)
        assert "Permission denied" in failed(job)
    assert not Dataset.objects.exists() and spare.folder.exists()
    Job.objects.filter(pk=job.pk).update(state="queued", finished_at=None)
    done(job)
    assert not spare.folder.exists()


def test_a_set_whose_import_failed_can_go(curator: User) -> None:
    folder = Path(settings.IMPORT_ROOTS[0]) / "empty"
    folder.mkdir(parents=True)
    dataset = submit_import(name="Empty", by=curator, source=str(folder))
    failed(dataset.job)
    done(deleting.submit_deletion(dataset, by=curator))
    assert not Dataset.objects.exists()
