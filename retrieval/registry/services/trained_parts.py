"""Experiments, runs and models with all that belongs to them: what a deletion takes, and what stands against it.

A model that was trained here and its run are one: they share their files, so either takes the other along.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from jobs.models import Job
from retrieval.models import Experiment, Index, Mark, Model, Ranking, Report, Run, Search, Tuning
from storage.store import store

Row = Experiment | Run | Model
KINDS: Mapping[str, type[Row]] = {"experiment": Experiment, "run": Run, "model": Model}
JOB = "delete-trained"
CHECKPOINTS = "checkpoints"
"""The key below which trainings that have not ended keep what another host needs to go on."""


@dataclass(frozen=True)
class Ratings:
    """How the app of ratings counts and lets go what rests on rankings; it registers itself.

    count: the rated ballots that show one of the rankings. release: deletes the ballots without ratings that show one.
    """

    count: Callable[[QuerySet[Ranking]], int]
    release: Callable[[QuerySet[Ranking]], None]


RATINGS: list[Ratings] = []


def register(ratings: Ratings) -> None:
    """Register what may rest on results beside marks."""
    if ratings not in RATINGS:
        RATINGS.append(ratings)


@dataclass(frozen=True)
class Part:
    """Rows that go together."""

    experiments: QuerySet[Experiment]
    runs: QuerySet[Run]
    models: QuerySet[Model]

    @property
    def tunings(self) -> QuerySet[Tuning]:
        return Tuning.objects.filter(experiment__in=self.experiments)

    @property
    def indexes(self) -> QuerySet[Index]:
        return Index.objects.filter(model__in=self.models)

    @property
    def rankings(self) -> QuerySet[Ranking]:
        return Ranking.objects.filter(model__in=self.models)


def part_of(row: Row) -> Part:
    """Return what is deleted with a row."""
    experiments = Experiment.objects.filter(pk=row.pk) if isinstance(row, Experiment) else Experiment.objects.none()
    runs = {
        Experiment: Q(experiment=row.pk),
        Run: Q(pk=row.pk),
        Model: Q(model=row.pk),
    }[type(row)]
    models = Q(pk=row.pk) if isinstance(row, Model) else Q(run__in=Run.objects.filter(runs))
    return Part(experiments, Run.objects.filter(runs), Model.objects.filter(models))


@dataclass(frozen=True)
class Consequences:
    """What a deletion takes, and what stands against it.

    searches: people's searches that lose results. ratings, marks: what people said of its results, which keeps it.
    jobs: the active ones that use it.
    """

    runs: int
    models: int
    published: int
    indexes: int
    maps: int
    reports: int
    searches: int
    files: int
    bytes: int
    ratings: int
    marks: int
    jobs: list[Job]

    @property
    def is_kept(self) -> bool:
        """Whether people's ratings or marks rest on it, so that it can be archived only."""
        return bool(self.ratings or self.marks)


def consequences_of(row: Row) -> Consequences:
    """Return what the deletion of a row takes."""
    part = part_of(row)
    sizes = {key: store().measure(key) for key in places_of(part)}
    return Consequences(
        runs=part.runs.count(),
        models=part.models.count(),
        published=part.models.filter(published=True).count(),
        indexes=part.indexes.count(),
        maps=sum(key.startswith("maps/") and size.files > 0 for key, size in sizes.items()),
        reports=Report.objects.filter(experiment__in=part.experiments).count(),
        searches=_searches(part).count(),
        files=sum(size.files for size in sizes.values()),
        bytes=sum(size.bytes for size in sizes.values()),
        ratings=ratings_on(part),
        marks=marks_on(part),
        jobs=active_jobs_of(part),
    )


def ratings_on(part: Part) -> int:
    return sum(ratings.count(part.rankings) for ratings in RATINGS)


def marks_on(part: Part) -> int:
    return Mark.objects.filter(ranking__in=part.rankings).count()


def _searches(part: Part) -> QuerySet[Search]:
    return Search.objects.filter(owner__isnull=False, pk__in=part.rankings.values("search"))


def places_of(part: Part) -> list[str]:
    """Return the keys of the files and folders that belong to the rows, whether there are any or not."""
    indexes, runs = list(part.indexes), list(part.runs.values_list("pk", flat=True))
    places = [
        *(f"runs/{pk}" for pk in runs),
        *(f"{CHECKPOINTS}/run-{pk}" for pk in runs),
        *part.models.values_list("artifact", flat=True),
        *(index.path for index in indexes),
        *Report.objects.filter(experiment__in=part.experiments).values_list("path", flat=True),
        *(index.map_key for index in indexes),
    ]
    return list(dict.fromkeys(places))


def active_jobs_of(part: Part, but_job: int | None = None) -> list[Job]:
    """Return the queued and running jobs that read or write what would go."""
    runs, models = set(part.runs.values_list("pk", flat=True)), list(part.models.values_list("pk", flat=True))
    concerned = (
        Q(kind="train", payload__run__in=list(runs))
        | Q(kind="tune", payload__tuning__in=list(part.tunings.values_list("pk", flat=True)))
        | Q(kind="report", payload__experiment__in=list(part.experiments.values_list("pk", flat=True)))
        | Q(payload__model__in=models)
        | Q(payload__index__in=list(part.indexes.values_list("pk", flat=True)))
        | Q(kind="add-model", pk__in=_importing(part))
    )
    active = Job.objects.filter(state__in=Job.ACTIVE).exclude(pk=but_job or 0)  # no job has key 0
    comparing = [job for job in active.filter(kind="compare") if runs & set(job.payload.get("runs", ()))]
    reporting = [
        job for job in active.filter(kind="report") if set(models) & set(job.payload.get("external_models", ()))
    ]
    found = {job.pk: job for job in [*active.filter(concerned).exclude(kind=JOB), *comparing, *reporting]}
    return [found[key] for key in sorted(found)]


def _importing(part: Part) -> list[int]:
    """Return the jobs that imported the external models; the folder is named by it."""
    names = [path.rpartition("job-")[2] for path in part.models.filter(run=None).values_list("artifact", flat=True)]
    return [int(name) for name in names if name.isdecimal()]


def name_of(row: Row) -> str:
    """Return what people call a row."""
    return f"{row.experiment.name}: {row}" if isinstance(row, Run) else row.name


def kind_of(row: Row) -> str:
    """Return the kind of a row, as in URLs."""
    return next(name for name, kind in KINDS.items() if isinstance(row, kind))


def counted(number: int, noun: str) -> str:
    """Return the number and its noun."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
