"""What was stored of the contrastive loss before its power was a parameter keeps the squared form."""

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps

from mlcore.artifacts import read_json, write_json
from retrieval.experiments.services import cloning, reports
from retrieval.experiments.services.tuning import _queue_tuned_runs
from retrieval.models import Experiment, Run
from tests.retrieval.world import World, done, started

pytestmark = pytest.mark.django_db
MIGRATION: Any = import_module("retrieval.migrations.0017_contrastive_power")
MARGINS = {"positive_margin": 0.0, "negative_margin": 0.5}


def stored_before(world: World, losses: tuple[str, ...] = ("contrastive",), **values: Any) -> Experiment:
    """Return an experiment whose contrastive runs have the parameters of then."""
    experiment = started(world.dataset, losses, **values)
    experiment.runs.filter(loss="contrastive").update(params=MARGINS)
    return experiment


def test_stored_runs_are_given_the_power_that_they_had_and_back(world: World) -> None:
    experiment = stored_before(world, ("contrastive", "snr_contrastive", "untrained"))
    newer = started(world.dataset, ("contrastive",)).runs.get()
    others = {run.pk: run.params for run in Run.objects.exclude(loss="contrastive")}
    for _ in range(2):  # again changes nothing
        MIGRATION.write_power(apps, None)
        assert experiment.runs.get(loss="contrastive").params == {**MARGINS, "power": 2}
    assert Run.objects.get(pk=newer.pk).params == newer.params == {**MARGINS, "power": 1}
    MIGRATION.remove_power(apps, None)
    assert experiment.runs.get(loss="contrastive").params == MARGINS
    assert Run.objects.get(pk=newer.pk).params["power"] == 1
    assert {run.pk: run.params for run in Run.objects.exclude(loss="contrastive")} == others


def test_a_queued_run_of_before_trains_squared_and_its_copy_too(world: World) -> None:
    experiment = stored_before(world)
    MIGRATION.write_power(apps, None)
    run = experiment.runs.get()
    done(run.job)
    assert read_json(run.model.folder / "model.json")["params"] == {**MARGINS, "power": 2}
    assert cloning.form_values(experiment)["params"] == "contrastive.power=2"


def test_a_run_whose_folder_was_finished_before_is_taken_over(world: World) -> None:
    run = stored_before(world).runs.get()
    MIGRATION.write_power(apps, None)
    done(run.job)
    file = run.model.folder / "model.json"
    write_json(file, {**read_json(file), "params": MARGINS})
    run.model.delete()
    type(run.job).objects.filter(pk=run.job_id).update(state="queued", finished_at=None, heartbeat_at=None)
    done(run.job)
    assert Run.objects.get(pk=run.pk).model.loss == "contrastive"


def test_trials_of_before_give_tuned_runs_of_their_formula(world: World) -> None:
    experiment = stored_before(world, trials=2, validation_classes=2)
    best: Any = {"params": {**MARGINS, "negative_margin": 0.9}, "proxy_rate_factor": None}
    [run] = _queue_tuned_runs(experiment.tunings.get(), best, None)
    assert run.params == {**MARGINS, "negative_margin": 0.9, "power": 2}


def test_a_report_of_before_shows_the_power_of_its_runs(world: World) -> None:
    experiment = stored_before(world)
    MIGRATION.write_power(apps, None)
    for run in experiment.runs.all():
        done(run.job)
    done(reports.submit_report(experiment, by=None))
    document = reports.document_of(experiment)
    assert document is not None
    del document["comparison"]["losses"]["contrastive"]["power"]
    [(_, text)] = reports.page_values(document)["losses"]
    assert "power 2" in text.split(", ")
