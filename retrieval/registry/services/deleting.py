"""Deletion and archiving of experiments, runs and models, and the job that deletes."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from accounts import audit
from accounts.models import User
from config.errors import Conflict
from jobs import notices, scratch
from jobs import services as jobs
from jobs.context import JobContext
from jobs.errors import JobFailed
from jobs.models import Job
from retrieval.datasets.services.dependencies import Companions
from retrieval.models import Dataset, Experiment, Model, Ranking, Run, Search
from retrieval.registry.services.trained_parts import (
    JOB,
    KINDS,
    RATINGS,
    Part,
    Row,
    active_jobs_of,
    counted,
    kind_of,
    marks_on,
    name_of,
    part_of,
    places_of,
    ratings_on,
)
from storage.transfers import delete_all

PROBLEMS_CHUNK = 500


def deletion_of(row: Row) -> Job | None:
    """Return the queued or running job that deletes a row."""
    return Job.objects.filter(key=_key(row), state__in=Job.ACTIVE).first()


def _key(row: Row) -> str:
    return f"{JOB}:{kind_of(row)}:{row.pk}"


def submit_deletion(row: Row, *, by: User | None) -> Job:
    """Archive a row, so that nobody finds it any more, and queue its deletion.

    Raises:
        Conflict: people's ratings or marks rest on its results, or jobs use it; the message says what to do.
    """
    with transaction.atomic():
        part = part_of(row)
        _hold(part)
        going = deletion_of(row)
        if going is not None:
            return going
        _require_deletable(row, part)
        payload = {"kind": kind_of(row), "key": row.pk, "name": name_of(row), "places": places_of(part)}
        job = jobs.submit(JOB, payload, by=by, key=_key(row))
        _archive(part)
        audit.record(by, f"delete-{kind_of(row)}", name_of(row), models=part.models.count(), runs=part.runs.count())
    return job


def _hold(part: Part) -> None:
    """Lock the models: no index of theirs becomes active, and none is published, until the transaction ends."""
    list(part.models.select_for_update().order_by("pk").values_list("pk", flat=True))


def _require_deletable(row: Row, part: Part, but_job: int | None = None) -> None:
    _require_idle(row, part, but_job)
    ratings, marks = ratings_on(part), marks_on(part)
    if ratings or marks:
        raise Conflict(
            f"{counted(ratings, 'rated ballot')} and {counted(marks, 'mark')} of people refer to results of "
            f"{name_of(row)}; archive it instead"
        )


def _require_idle(row: Row, part: Part, but_job: int | None = None) -> None:
    active = active_jobs_of(part, but_job)
    if active:
        names = ", ".join(f"job {job.pk} ({job.kind}), which is {job.state}" for job in active[:5])
        more = f" and {len(active) - 5} more" if len(active) > 5 else ""
        raise Conflict(f"{name_of(row)} is used by {names}{more}; cancel or wait for these first")


def archive(row: Experiment | Model, *, by: User | None) -> None:
    """Take an experiment or a model out of searches, the leaderboard and lists; its results stay. Idempotent.

    Raises:
        Conflict: jobs use it.
    """
    with transaction.atomic():
        part = part_of(row)
        _hold(part)
        if row.archived_at is None:
            _require_idle(row, part)
            _archive(part)
            audit.record(by, f"archive-{kind_of(row)}", row.name, models=part.models.count())
    row.refresh_from_db()


def _archive(part: Part) -> None:
    now = timezone.now()
    part.experiments.filter(archived_at=None).update(archived_at=now)
    part.models.update(published=False)
    part.models.filter(archived_at=None).update(archived_at=now)


@transaction.atomic
def restore(row: Experiment | Model, *, by: User | None) -> None:
    """Bring an archived experiment or model back into the lists; its models stay unpublished. Idempotent.

    Raises:
        Conflict: it is being deleted, or its experiment is archived.
    """
    job = deletion_of(row)
    if job is not None:
        raise Conflict(f"{row.name} is being deleted by job {job.pk}")
    if isinstance(row, Model) and row.run is not None and row.run.experiment.archived_at is not None:
        raise Conflict(f"{row.name} belongs to the archived experiment {row.run.experiment.name}; restore that first")
    if row.archived_at is not None:
        part = part_of(row)
        part.experiments.update(archived_at=None)
        part.models.update(archived_at=None)
        audit.record(by, f"restore-{kind_of(row)}", row.name, models=part.models.count())
    row.refresh_from_db()


def run_delete_job(context: JobContext, kind: str, key: int, name: str, places: Sequence[str]) -> Mapping[str, object]:
    """Delete rows in one transaction, then their files. Safe to run again: files without rows go too."""
    wanted = set(places)
    with transaction.atomic():
        row = KINDS[kind]._default_manager.filter(pk=key).first()
        if row is not None:
            part = part_of(row)
            _hold(part)
            try:
                _require_deletable(row, part, context.job_id)
            except Conflict as error:
                raise JobFailed(str(error)) from error
            wanted |= set(delete_rows(part))
    delete_files(wanted, context.progress)
    return {"deleted": name}


def delete_files(places: Collection[str], progress: Callable[[str, int, int], None]) -> None:
    """Delete files and folders by their keys; those that are gone are passed over."""
    delete_all(sorted(places), len(places), progress)


def delete_rows(part: Part) -> list[str]:
    """Delete the rows; return the keys of their files, to be deleted after the commit.

    People's searches stay, and say of each model that it was deleted.
    """
    part = frozen(part)
    places = places_of(part)
    for ratings in RATINGS:
        ratings.release(part.rankings)
    for model in part.models:
        _note_on_searches(model)
    part.rankings.delete()
    part.indexes.delete()
    notices.forget_pages([reverse("experiment", args=[row.pk]) for row in part.experiments])
    notices.forget_pages([reverse("model", args=[row.pk]) for row in part.models])
    trained = Q(kind="train", payload__run__in=list(part.runs.values_list("pk", flat=True)))
    ended = trained | Q(kind="tune", payload__tuning__in=list(part.tunings.values_list("pk", flat=True)))
    for rows in (part.models, part.runs, part.experiments):
        rows.delete()
    for job in Job.objects.filter(ended, state__in=Job.FINISHED):
        scratch.prune(job.pk, keep=0)
    Job.objects.filter(ended, state__in=(Job.State.FAILED, Job.State.CANCELLED)).update(refused_input=True)
    return places


def _note_on_searches(model: Model) -> None:
    searches = Search.objects.filter(owner__isnull=False, rankings__model=model).distinct()
    noted = []
    for search in searches.iterator(chunk_size=PROBLEMS_CHUNK):
        search.problems = [*search.problems, [model.pk, f"{model.name} was deleted, with its results"]]
        noted.append(search)
    Search.objects.bulk_update(noted, ["problems"], batch_size=PROBLEMS_CHUNK)


# --- data sets: archived experiments and models go along with theirs


def archived_of(dataset: Dataset) -> Part:
    """Return the archived experiments and models of a data set, which are deleted with it."""
    experiments = Experiment.objects.filter(dataset=dataset, archived_at__isnull=False)
    models = Model.objects.filter(dataset=dataset, archived_at__isnull=False)
    runs = Run.objects.filter(Q(experiment__in=experiments) | Q(model__in=models))
    every = Model.objects.filter(Q(pk__in=models.values("pk")) | Q(run__in=runs))
    return Part(experiments, runs, every)


def uses_of_archived(dataset: Dataset) -> list[tuple[str, str]]:
    """Return what keeps the archived rows of a data set from going along, with the page of each."""
    part = archived_of(dataset)
    phrases = []
    for model in part.models:
        count = sum(ratings.count(Ranking.objects.filter(model=model)) for ratings in RATINGS)
        if count:
            phrases.append(
                (f"{counted(count, 'rated ballot')} on archived model {model.name}", reverse("model", args=[model.pk]))
            )
    active = [
        (f"job {job.pk} ({job.kind}), which is {job.state}", reverse("job", args=[job.pk]))
        for job in active_jobs_of(part)
    ]
    return phrases + active


def frozen(part: Part) -> Part:
    """Return the same rows by their keys, which a change of the rows does not change."""
    return replace(
        part,
        experiments=Experiment.objects.filter(pk__in=list(part.experiments.values_list("pk", flat=True))),
        runs=Run.objects.filter(pk__in=list(part.runs.values_list("pk", flat=True))),
        models=Model.objects.filter(pk__in=list(part.models.values_list("pk", flat=True))),
    )


def delete_archived(dataset: Dataset) -> list[str]:
    """Delete the archived experiments and models of a data set; return the keys of their files, to be deleted next."""
    return delete_rows(archived_of(dataset))


def count_archived(dataset: Dataset) -> dict[str, int]:
    """Return how many archived rows go along, by what they are called."""
    part = archived_of(dataset)
    return {
        "archived experiments": part.experiments.count(),
        "archived models": part.models.count(),
        "marks on their results": marks_on(part),
    }


COMPANIONS = Companions(count=count_archived, uses=uses_of_archived, delete=delete_archived)
