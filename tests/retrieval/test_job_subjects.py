"""Which jobs work on what a person names."""

import pytest

from jobs.models import Job
from retrieval.job_subjects import jobs_on
from retrieval.models import Experiment, Model
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db


def kinds(name: str) -> set[str]:
    return set(Job.objects.filter(jobs_on(name)).values_list("kind", flat=True))


def test_the_name_of_a_data_set_finds_the_jobs_of_all_its_parts(world: World) -> None:
    assert kinds("wing") == {"import", "train", "index"}
    world.another()
    assert Job.objects.filter(jobs_on("moths")).count() == 2 and kinds("moths") == {"import", "index"}
    assert kinds("no such name") == set()


def test_the_name_of_an_experiment_or_a_model_finds_its_jobs(world: World) -> None:
    Experiment.objects.update(name="Night run")
    assert Job.objects.filter(jobs_on("night")).count() == 2 and kinds("night") == {"train"}
    Model.objects.filter(pk=world.models[0].pk).update(name="Owl")
    assert Job.objects.filter(jobs_on("owl")).count() == 1 and kinds("owl") == {"index"}


def test_what_was_deleted_is_found_by_the_name_that_its_job_keeps() -> None:
    job = Job.objects.create(kind="delete-dataset", payload={"dataset": 10**6, "name": "Gone birds"})
    assert list(Job.objects.filter(jobs_on("birds"))) == [job]
