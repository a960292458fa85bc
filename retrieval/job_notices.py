"""Notices about trainings, imports and indexes that have ended: one about each piece of work, however many its jobs."""

from django.urls import reverse

from jobs import notices
from jobs.models import Job
from jobs.registry import NoticeDraft
from retrieval.models import Dataset, Experiment, Model, Run, Tuning


def of_import(job: Job) -> NoticeDraft:
    """Tell of an import or a change of a data set."""
    dataset = Dataset.objects.filter(pk=job.payload.get("dataset")).first()
    if dataset is None:
        return notices.of_job(job)
    what = "Import of" if job.kind in ("import", "reimport") else "Change of"
    return notices.of_job(job, title=f"{what} {dataset.name}", url=reverse("dataset", args=[dataset.slug]))


def of_training(job: Job) -> NoticeDraft | None:
    """Tell of an experiment when its last training has ended."""
    run = Run.objects.filter(pk=job.payload.get("run")).select_related("experiment").first()
    return of_experiment(run.experiment) if run else None


def of_tuning(job: Job) -> NoticeDraft | None:
    """Tell of an experiment when its last tuning has ended and has queued no run."""
    row = Tuning.objects.filter(pk=job.payload.get("tuning")).select_related("experiment").first()
    return of_experiment(row.experiment) if row else None


def of_experiment(experiment: Experiment) -> NoticeDraft | None:
    """Return the notice about an experiment; None while one of its jobs is active.

    Two that end at once draft the same notice: its key counts the attempts, so only a retry makes another.
    """
    runs = list(experiment.runs.select_related("job"))
    rows: list[Run | Tuning] = [*runs, *experiment.tunings.select_related("job")]
    jobs = [row.job for row in rows if row.job is not None]
    if any(job.is_active for job in jobs):
        return None
    succeeded = sum(run.state == Job.State.SUCCEEDED for run in runs)
    failed = sum(row.state == Job.State.FAILED for row in rows)
    return NoticeDraft(
        key=f"experiment:{experiment.pk}:{sum(job.attempt for job in jobs)}",
        succeeded=not failed,
        title=f"Experiment {experiment.name} {'ended with failures' if failed else 'finished'}",
        url=reverse("experiment", args=[experiment.pk]),
        detail=f"{succeeded} of {len(runs)} run{'' if len(runs) == 1 else 's'} succeeded",
    )


def of_model(job: Job) -> NoticeDraft:
    """Tell of the import of a model."""
    key = (job.result or {}).get("model")
    url = reverse("model", args=[key]) if key else ""
    return notices.of_job(job, title=f"Import of model {job.payload.get('name', '')}", url=url)


def of_index(job: Job) -> NoticeDraft | None:
    """Tell of long builds of indexes, once when several were rebuilt after a change of a data set.

    A model's first index belongs to its training, of which its experiment tells.
    """
    model = Model.objects.filter(pk=job.payload.get("model")).first()
    draft = notices.of_long_job(job)
    if model is None or draft is None or (draft.succeeded and model.run_id and model.indexes.count() == 1):
        return None
    if not draft.succeeded:
        return draft
    same = Job.objects.filter(kind="index", payload__dataset=job.payload.get("dataset"))
    if same.filter(state__in=Job.ACTIVE).exists():
        return None
    newest = same.order_by("-pk").values_list("pk", flat=True).first()
    return NoticeDraft(f"index:{newest}", True, "Indexes were built", reverse("model", args=[model.pk]), draft.detail)
