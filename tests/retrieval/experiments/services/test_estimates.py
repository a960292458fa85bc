from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from config.errors import Rejected
from jobs import services as jobs
from jobs.errors import JobFailed
from jobs.models import Job
from mlcore.artifacts import write_json
from mlcore.comparison.plan import Tuning as Budget
from retrieval.datasets.services.catalogue import fresh_catalogue
from retrieval.experiments.services import estimates, options
from retrieval.experiments.services.estimates import estimate_of, probe_of, submit_probe, time_of
from retrieval.models import Dataset, Run
from tests.mlcore.training.test_estimate import RATES
from tests.retrieval.world import SMALL, World, done, failed, started

pytestmark = pytest.mark.django_db


def unlike_the_worlds() -> Any:
    """Return a protocol that no run has finished with."""
    return options.make_protocol("demo", {**SMALL, "epochs": 7}, "")


def like_the_worlds() -> Any:
    return options.make_protocol("demo", {**SMALL, "epochs": 1}, "")


def keep_rates(world: World, protocol: Any) -> None:
    file = estimates._file(world.dataset, protocol, "")
    file.parent.mkdir(parents=True, exist_ok=True)
    write_json(file, RATES.to_json())


def test_nobody_knows_before_a_probe(world: World) -> None:
    assert estimate_of(world.dataset, unlike_the_worlds(), ["soft_triple"]) is None


def test_a_probe_in_a_child_lets_the_time_be_known(world: World, curator: User) -> None:
    protocol = unlike_the_worlds()
    job = submit_probe(world.dataset, protocol, by=curator)
    assert submit_probe(world.dataset, protocol, by=curator) == job == probe_of(world.dataset, protocol)
    done(job)
    told = estimate_of(world.dataset, protocol, ["soft_triple", "untrained"], seeds=2)
    assert told is not None and told["source"] == "measured" and told["runs"] == 3
    assert told["seconds"] >= 2 * told["each"]["soft_triple"] + told["each"]["untrained"] - 0.2
    more = options.make_protocol("demo", {**SMALL, "epochs": 70}, "")
    longer = estimate_of(world.dataset, more, ["soft_triple"])
    assert longer is not None and longer["each"]["soft_triple"] > told["each"]["soft_triple"]


def test_each_changed_set_has_a_probe_of_its_own(world: World) -> None:
    """The fingerprint of a new revision is empty until a job has read it; two data sets may have none at once."""
    protocol, other = unlike_the_worlds(), world.another()
    Dataset.objects.update(fingerprint="")
    world.dataset.refresh_from_db()
    other.refresh_from_db()
    job = submit_probe(world.dataset, protocol, by=None)
    assert submit_probe(other, protocol, by=None) != job
    fresh_catalogue(world.dataset.pk)
    world.dataset.refresh_from_db()
    assert world.dataset.fingerprint and probe_of(world.dataset, protocol) == job


def test_a_probe_that_fails_says_why_and_nothing_is_known(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(argv: list[str], **kwargs: Any) -> None:
        raise JobFailed("there are no test pictures to measure on")

    monkeypatch.setattr(estimates, "run_child", fail)
    job = submit_probe(world.dataset, unlike_the_worlds(), by=None)
    assert failed(job) == "there are no test pictures to measure on"
    assert estimate_of(world.dataset, unlike_the_worlds(), ["soft_triple"]) is None


def test_a_set_not_imported_is_not_measured(db: None) -> None:
    dataset = Dataset.objects.create(name="Waiting", slug="waiting", source="wings")
    with pytest.raises(Rejected, match="Waiting is not imported yet"):
        submit_probe(dataset, unlike_the_worlds(), by=None)
    assert not Job.objects.exists()


def set_times(run: Run, training: float, index: float) -> None:
    begun = timezone.now()
    for pk, seconds in ((run.job_id, training), (run.job.result["index_job"], index)):  # type: ignore[union-attr]
        Job.objects.filter(pk=pk).update(started_at=begun, finished_at=begun + timedelta(seconds=seconds))


def test_what_finished_runs_took_is_told_instead_of_a_probe(world: World) -> None:
    run = Run.objects.get(loss="soft_triple")
    set_times(run, 90, 10)
    told = estimate_of(world.dataset, like_the_worlds(), ["soft_triple"], seeds=3)
    assert told == {"seconds": 300.0, "runs": 3, "each": {"soft_triple": 100.0}, "source": "earlier runs"}
    Job.objects.filter(pk=run.job_id).update(attempt=2)  # it was interrupted: its last attempt tells too little
    assert estimate_of(world.dataset, like_the_worlds(), ["soft_triple"]) is None


def test_earlier_runs_and_rates_are_told_together(world: World) -> None:
    set_times(Run.objects.get(loss="soft_triple"), 90, 10)
    keep_rates(world, like_the_worlds())
    told = estimate_of(world.dataset, like_the_worlds(), ["soft_triple", "untrained"])
    assert told is not None and told["source"] == "both"
    assert told["each"] == {"soft_triple": 100.0, "untrained": 20.0}


def test_rates_of_another_version_are_not_used(world: World) -> None:
    keep_rates(world, unlike_the_worlds())
    estimates._file(world.dataset, unlike_the_worlds(), "").write_text('{"step": 1}')
    assert estimate_of(world.dataset, unlike_the_worlds(), ["soft_triple"]) is None


def test_trials_and_folds_are_reckoned_as_runs(world: World) -> None:
    protocol = options.make_protocol("demo", {**SMALL, "epochs": 7, "folds": 2}, "")
    keep_rates(world, protocol)
    told = estimate_of(world.dataset, protocol, ["soft_triple", "untrained"], seeds=3, tuning=Budget(trials=4, folds=2))
    assert told is not None and told["runs"] == 3 * 2 + 4 * 2 + 1


def test_an_experiment_keeps_what_was_told_and_tells_what_it_took(world: World) -> None:
    keep_rates(world, unlike_the_worlds())
    experiment = started(world.dataset, ("soft_triple",), epochs=7)
    assert experiment.estimate is not None and experiment.estimate["source"] == "measured"
    time = time_of(experiment)
    assert time["estimated"] == experiment.estimate["seconds"] and (time["taken"], time["finished"]) == (0, False)

    old = world.models[0].run
    assert old is not None
    for run in old.experiment.runs.all():
        set_times(run, 90, 10)
    time = time_of(old.experiment)
    assert (time["estimated"], time["taken"], time["finished"]) == (None, 200, True)


def test_a_cancelled_probe_can_be_asked_for_again(world: World) -> None:
    job = submit_probe(world.dataset, unlike_the_worlds(), by=None)
    jobs.request_cancel(job)
    assert submit_probe(world.dataset, unlike_the_worlds(), by=None) != job
