from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.models import AuditEntry, User
from config.errors import Rejected
from jobs.models import Job
from mlcore.losses import LOSSES
from retrieval.experiments.services import options
from retrieval.models import Dataset, Experiment, Run
from tests.retrieval.world import SMALL, World, started

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def test_an_experiment_has_a_run_and_a_job_for_each_cell(world: World, curator: User) -> None:
    losses = ("soft_triple", "untrained", "soft_triple")
    experiment = started(world.dataset, losses, seeds=[2, 0, 2], params={"soft_triple": {"gamma": 0.5}}, by=curator)
    assert [(run.loss, run.seed, run.state) for run in experiment.runs.all()] == [
        ("soft_triple", 0, "queued"),
        ("soft_triple", 2, "queued"),
        ("untrained", 0, "queued"),
    ]
    run = experiment.runs.all()[0]
    assert run.params["gamma"] == 0.5 and set(run.params) == set(LOSSES["soft_triple"].parameters)
    assert run.job is not None and run.job.owner == curator and run.job.queue == "train"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"losses": ("soft_tripel",)}, "soft_tripel"),
        ({"params": {"soft_triple": {"gama": 1}}}, "no parameter 'gama'"),
        ({"params": {"soft_triple": {"gamma": -1}}}, "gamma must be positive"),
        ({"params": {"soft_triple": {"gamma": "x"}}}, "gamma must be a number"),
        ({"losses": ()}, "no loss or no seed"),
        ({"seeds": []}, "no loss or no seed"),
        ({"seeds": [-1]}, "is no seed"),
        ({"seeds": [2**31]}, "is no seed"),
    ],
)
def test_an_experiment_that_cannot_be_is_refused_whole(world: World, change: dict[str, Any], sentence: str) -> None:
    before = Experiment.objects.count(), Run.objects.count(), Job.objects.count()
    with pytest.raises(Rejected, match=sentence):
        started(world.dataset, **change)
    assert (Experiment.objects.count(), Run.objects.count(), Job.objects.count()) == before


def test_an_experiment_leaves_a_trail(world: World, curator: User) -> None:
    experiment = started(world.dataset, ("soft_triple",), by=curator)
    entry = AuditEntry.objects.get(action="start-experiment")
    assert (entry.who, entry.target, entry.details["experiment"]) == (curator, "Small", experiment.pk)


def test_a_set_without_labels_cannot_be_trained_on(world: World) -> None:
    Dataset.objects.update(labelled=False)
    world.dataset.refresh_from_db()
    with pytest.raises(Rejected, match="Wings has no labels"):
        started(world.dataset)


def test_a_set_not_imported_cannot_be_trained_on() -> None:
    dataset = Dataset.objects.create(name="Waiting", slug="waiting", source="wings")
    with pytest.raises(Rejected, match="Waiting is not imported yet"):
        started(dataset)


def folded(world: World) -> Experiment:
    protocol = options.make_protocol("demo", {**SMALL, "epochs": 1, "folds": 2}, "")
    return started(world.dataset, ("soft_triple", "untrained"), protocol=protocol)


def test_a_protocol_with_folds_has_a_run_for_each_of_them(world: World) -> None:
    experiment = folded(world)
    found = [(run.loss, run.fold) for run in experiment.runs.all()]
    assert found == [("soft_triple", 0), ("soft_triple", 1), ("untrained", None)]
    for repeated in ({"loss": "soft_triple", "fold": 1}, {"loss": "untrained", "fold": None}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Run.objects.create(experiment=experiment, seed=0, **repeated)
