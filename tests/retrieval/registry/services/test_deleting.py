"""Experiments, runs and models go whole, or stay where people judged their results."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, User
from config import places
from config.errors import Conflict
from jobs import services as jobs
from jobs.models import Job, Notice
from ratings.models import Ballot
from ratings.services import ballots
from retrieval.datasets.services import dependencies
from retrieval.datasets.services.deleting import submit_deletion as submit_dataset_deletion
from retrieval.models import Dataset, Experiment, Index, Model, Ranking, Run, Search
from retrieval.registry.services import deleting, indexes, trained_parts, visibility
from retrieval.search.services import marks
from retrieval.search.services.run_search import searchable_models
from storage.store import store
from tests.retrieval.world import World, done, failed, started

pytestmark = pytest.mark.django_db


def test_an_experiment_goes_with_its_runs_models_indexes_and_files(world: World, curator: User) -> None:
    experiment = Experiment.objects.get()
    keys = trained_parts.places_of(trained_parts.part_of(experiment))
    assert sorted(key.split("/")[0] for key in keys if store().has(key)) == ["indexes", "indexes", "runs", "runs"]
    gone = trained_parts.consequences_of(experiment)
    assert (gone.runs, gone.models, gone.indexes, gone.published) == (2, 2, 2, 2)
    assert gone.files > 10 and gone.bytes > 100_000 and not gone.is_kept

    page = reverse("experiment", args=[experiment.pk])
    Notice.objects.create(who=curator, key="experiment:1:2", outcome="succeeded", title="Small finished", url=page)
    job = deleting.submit_deletion(experiment, by=curator)
    assert not searchable_models(world.dataset).exists(), "nobody finds it while the job waits"
    assert deleting.submit_deletion(experiment, by=curator) == job
    assert done(job).result == {"deleted": "Small"}
    assert not any(kind.objects.exists() for kind in (Experiment, Run, Model, Index))  # type: ignore[attr-defined]
    assert not any(store().has(key) for key in keys) and not Notice.objects.exists()
    assert AuditEntry.objects.filter(action="delete-experiment", who=curator).count() == 1


def test_a_killed_job_deletes_the_files_at_its_next_attempt(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    job = deleting.submit_deletion(world.models[0], by=None)
    folder = world.models[0].folder

    def killed(*args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(deleting, "delete_files", killed)
        with pytest.raises(KeyboardInterrupt):
            jobs.run_job(job.pk)
    assert folder.is_dir() and not Model.objects.filter(pk=world.models[0].pk).exists()
    Job.objects.filter(pk=job.pk).update(state="queued", heartbeat_at=None)
    done(job)
    assert not folder.exists()


def test_a_search_of_a_deleted_model_still_opens_and_says_so(
    world: World, member: User, member_client: Client, member_api: Any
) -> None:
    search = world.ask(member)
    done(deleting.submit_deletion(world.models[0], by=None))
    assert [ranking.model_id for ranking in search.rankings.all()] == [world.models[1].pk]
    page = member_client.get(reverse("search-detail", args=[search.pk]))
    assert page.status_code == 200 and "SoftTriple was deleted" in page.content.decode()
    problems = member_api.get(f"/api/v1/searches/{search.pk}/").json()["problems"]
    assert problems[0]["model"] == world.models[0].pk and "deleted" in problems[0]["detail"]

    done(deleting.submit_deletion(world.models[1], by=None))
    assert member_client.get(reverse("search-detail", args=[search.pk])).status_code == 200
    assert member_client.get(reverse("searches")).status_code == 200
    assert Search.objects.filter(pk=search.pk).exists() and not Ranking.objects.exists()


def test_jobs_block_a_deletion_and_an_archiving(world: World) -> None:
    experiment = started(world.dataset)
    for act in (deleting.submit_deletion, deleting.archive):
        with pytest.raises(Conflict, match=r"used by job \d+ \(train\), which is queued"):
            act(experiment, by=None)  # type: ignore[operator]
    index = indexes.submit_index(world.models[0], by=None)
    with pytest.raises(Conflict, match=rf"job {index.pk} \(index\)"):
        deleting.submit_deletion(Run.objects.get(model=world.models[0]), by=None)


def test_a_job_that_starts_meanwhile_stops_the_deletion(world: World) -> None:
    job = deleting.submit_deletion(world.models[0], by=None)
    Job.objects.create(kind="map", payload={"index": world.index_of(world.models[0]).pk})
    assert "used by job" in failed(job)
    assert Model.objects.filter(pk=world.models[0].pk).exists()


def test_a_cancelled_run_without_a_model_goes_and_its_job_is_not_retried(world: World, curator_client: Client) -> None:
    run = started(world.dataset, ("soft_triple",)).runs.get()
    assert run.job is not None
    jobs.request_cancel(run.job)
    done(deleting.submit_deletion(run, by=None))
    assert not Run.objects.filter(pk=run.pk).exists()
    page = curator_client.get(reverse("job", args=[run.job_id])).content.decode()
    assert 'id="retry-job"' not in page and reverse("lab") in page
    jobs.retry(run.job)
    assert failed(run.job) == "its run was deleted; start another experiment"


def test_what_people_rated_is_archived_only(world: World, member: User, curator: User) -> None:
    ballot = ballots.next_ballot(member)
    ballots.rate(ballot, dict.fromkeys(ballot.order, 3))
    experiment = Experiment.objects.get()
    gone = trained_parts.consequences_of(experiment)
    assert gone.ratings == 1 and gone.is_kept
    with pytest.raises(Conflict, match="archive it instead"):
        deleting.submit_deletion(experiment, by=curator)

    deleting.archive(experiment, by=curator)
    deleting.archive(experiment, by=curator)
    assert experiment.archived_at and not Model.objects.filter(published=True).exists()
    assert visibility.visible_models(curator).count() == 0
    assert visibility.visible_models(curator, archived=True).count() == 2
    assert Ballot.objects.get().scores.count() == 2, "the ratings stay"
    with pytest.raises(Conflict, match="archived; restore it first"):
        visibility.set_published(world.models[0], True)
    with pytest.raises(Conflict, match="belongs to the archived experiment"):
        deleting.restore(Model.objects.get(pk=world.models[0].pk), by=curator)
    deleting.restore(experiment, by=curator)
    assert experiment.archived_at is None and visibility.visible_models(curator).count() == 2
    assert list(AuditEntry.objects.filter(who=curator).order_by("pk").values_list("action", flat=True)) == [
        "archive-experiment",
        "restore-experiment",
    ]


def test_ballots_without_ratings_let_go(world: World, member: User, other_member: User) -> None:
    withdrawn = ballots.next_ballot(other_member)
    ballots.rate(withdrawn, dict.fromkeys(withdrawn.order, 3))
    ballots.withdraw(withdrawn)
    ballots.next_ballot(member)
    done(deleting.submit_deletion(world.models[0], by=None))
    left = Ballot.objects.get()
    assert left.pk == withdrawn.pk and len(left.order) == 1


def test_a_mark_keeps_a_model_until_its_data_set_goes(world: World, member: User) -> None:
    ranking = world.ask(member).rankings.get(model=world.models[0])
    marks.mark(member, ranking, ranking.image_ids[0], 2)
    with pytest.raises(Conflict, match="1 mark of people"):
        deleting.submit_deletion(world.models[0], by=None)
    done(deleting.submit_deletion(world.models[1], by=None))
    experiment = Experiment.objects.get()
    assert dependencies.uses_of(world.dataset)[0].url == reverse("experiment", args=[experiment.pk])
    deleting.archive(experiment, by=None)
    assert dependencies.uses_of(world.dataset) == []
    assert dependencies.companions_of(world.dataset)["archived experiments"] == 1
    folder = world.models[0].folder
    done(submit_dataset_deletion(world.dataset, by=None))
    assert not any(kind.objects.exists() for kind in (Dataset, Experiment, Run, Model, Index))  # type: ignore[attr-defined]
    assert not folder.exists()


def test_rated_ballots_on_an_archived_model_keep_its_data_set(world: World, member: User) -> None:
    ballot = ballots.next_ballot(member)
    ballots.rate(ballot, dict.fromkeys(ballot.order, 3))
    deleting.archive(Experiment.objects.get(), by=None)
    phrases = [use.phrase for use in dependencies.uses_of(world.dataset)]
    assert "1 rated ballot on archived model SoftTriple" in phrases
    with pytest.raises(Conflict):
        submit_dataset_deletion(world.dataset, by=None)


def test_the_api_empties_a_whole_site(world: World, member: User, curator_api: Any) -> None:
    world.ask(member)
    listed = curator_api.get("/api/v1/experiments/").json()["results"]
    for experiment in listed:
        answer = curator_api.delete(f"/api/v1/experiments/{experiment['id']}/")
        assert answer.status_code == 202 and answer.json()["kind"] == trained_parts.JOB
        done(Job.objects.get(pk=answer.json()["id"]))
    for model in curator_api.get("/api/v1/models/").json()["results"]:
        done(Job.objects.get(pk=curator_api.delete(f"/api/v1/models/{model['id']}/").json()["id"]))
    answer = curator_api.delete(f"/api/v1/datasets/{world.dataset.pk}/")
    done(Job.objects.get(pk=answer.json()["id"]))
    kinds = (Dataset, Experiment, Run, Model, Index, Ranking, Search)
    assert not any(kind.objects.exists() for kind in kinds)  # type: ignore[attr-defined]
    files = [file for file in places.media().rglob("*") if file.is_file()]
    assert files == []


def test_the_api_lists_archived_ones_only_when_asked(world: World, curator_api: Any) -> None:
    pk = Experiment.objects.get().pk
    answer = curator_api.post(f"/api/v1/experiments/{pk}/archive/")
    assert answer.status_code == 200 and answer.json()["archived_at"]
    for path, count in (("experiments", 1), ("models", 2)):
        assert curator_api.get(f"/api/v1/{path}/").json()["results"] == []
        assert len(curator_api.get(f"/api/v1/{path}/?archived=true").json()["results"]) == count
        assert curator_api.get(f"/api/v1/{path}/?archived=false").json()["results"] == []
    assert curator_api.get(f"/api/v1/experiments/{pk}/").status_code == 200
    assert curator_api.post(f"/api/v1/experiments/{pk}/restore/").json()["archived_at"] is None
