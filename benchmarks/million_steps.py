"""The steps of `benchmarks.million`: each returns seconds, the count, and the memory in MiB that it began with."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.class_names import set_up
from benchmarks.measuring import Result, peak_mib

DIM, PER_CLASS = 128, 50
KINDS = {"easy": 0.5, "hard": 2.2}
"""Noise of a picture in units of the spread of its class's centre."""

SEARCHES, HIDDEN = 300, 20
NAME = "Many"
SIDE = 48  # pixels of a drawn picture


def timed(work: Callable[[], object]) -> Result:
    """Return how long work took, and the memory held before."""
    start, started = peak_mib(), time.perf_counter()
    work()
    return {"seconds": time.perf_counter() - started, "start_mib": start}


def spread(took: list[float]) -> dict[str, float]:
    """Return median and 95th percentile in milliseconds of durations in seconds."""
    return {"p50_ms": 1000 * float(np.median(took)), "p95_ms": 1000 * float(np.quantile(took, 0.95))}


def vectors(count: int, noise: float) -> NDArray[np.float32]:
    """Return unit vectors [N, DIM] in clusters of PER_CLASS, the same in every process."""
    random = np.random.default_rng(0)
    centres = random.standard_normal((classes_of(count), DIM), np.float32)
    found = centres[np.arange(count) // PER_CLASS % len(centres)]
    found += noise * random.standard_normal(found.shape, np.float32)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    return found


def classes_of(count: int) -> int:
    return max(4, -(-count // PER_CLASS))


def dataset() -> Any:
    """Return the row of the data set."""
    from retrieval.models import Dataset

    return Dataset.objects.get(name=NAME)


def ended(job: Any) -> None:
    """Run a job here, or stop with its error."""
    from jobs.services import run_job

    run_job(job.pk)
    job.refresh_from_db()
    if job.state != "succeeded":
        raise SystemExit(f"job {job.kind} {job.state}: {job.error}")


def import_rows(count: int) -> Result:
    """Draw the catalogue that reading files would leave, and measure what the import does with it."""
    set_up()
    from django.core.management import call_command

    from mlcore.artifacts import write_json
    from mlcore.datasets import write_catalogue
    from mlcore.datasets.import_report import shortened
    from mlcore.datasets.statistics import count_pictures
    from retrieval.datasets.services.importing import record_rows
    from retrieval.models import Dataset, Image

    call_command("migrate", verbosity=0)
    row = Dataset.objects.create(name=NAME, slug="many", source="drawn")
    row.folder.mkdir(parents=True)
    names = [f"Genus species number {label}" for label in range(classes_of(count))]
    pictures = [drawn(number, len(names)) for number in range(count)]
    write_catalogue(row.folder, name=NAME, classes=names, rows=pictures, licence="", source="drawn")
    counts = {**count_pictures(names, pictures), "singleton_classes": []}
    write_json(row.folder / "report.json", shortened(counts))
    del pictures, counts
    found = timed(lambda: record_rows(row))
    Image.objects.update(look=bytes(256))  # as if each had been looked at: its file is not there
    return {**found, "count": count}


def drawn(number: int, classes: int) -> Any:
    """Return a picture of the catalogue, the first half of the classes for training; it has no file."""
    from mlcore.datasets import Picture

    label = number // PER_CLASS % classes
    split = "train" if label < classes // 2 else "test"
    return Picture(number, f"{label:06d}/{number:08d}.jpg", label, split, f"{number:064x}", 640, 480)


def index(kind: str, count: int) -> Result:
    """Store vectors as an external model's, and measure the job that builds their index."""
    set_up()
    from mlcore.artifacts import write_json
    from mlcore.runs import write_embeddings
    from retrieval.datasets.services.catalogue import fresh_catalogue
    from retrieval.models import Model
    from retrieval.registry.services.indexes import submit_index

    model = Model(
        dataset=dataset(), name=kind, artifact=f"outside/{kind}", weights_sha256=kind, dim=DIM,
        color=0, has_network=False, published=True,
    )  # fmt: skip
    model.folder.mkdir(parents=True)
    _, files = fresh_catalogue(model.dataset_id)
    write_embeddings(model.folder, vectors(count, KINDS[kind]), files)
    write_json(model.folder / "model.json", {"preprocessing": {}, "dataset": {"fingerprint": files.fingerprint}})
    model.save()
    del files
    job = submit_index(model, by=None)
    return {**timed(lambda: ended(job)), "count": count}


def search(kind: str, filters: Mapping[str, Any], count: int) -> Result:
    """Measure searches with pictures of the data set, once the index is loaded: what the index's part takes."""
    set_up()
    from retrieval.models import Image, Search
    from retrieval.search.services.ranking import indexed_embedding, search_indexes
    from retrieval.search.services.run_search import searchable_models

    row = dataset()
    wanted = dict(filters)
    if "classes" in wanted:
        wanted["classes"] = [[row.pk, label] for label in range(wanted["classes"])]
    (model,) = (able for able in searchable_models(row) if able.name == kind)
    keys = list(row.images.filter(hidden=False).order_by("pk").values_list("pk", flat=True))
    images = Image.objects.in_bulk(np.random.default_rng(1).choice(keys, SEARCHES + 1).tolist())
    del keys
    took: list[float] = []
    start = peak_mib()
    for image in images.values():
        asked = Search(query_image=image, k=12, filters=wanted)
        embedding = indexed_embedding(asked, model)
        started = time.perf_counter()
        search_indexes(asked, model, None, embedding=embedding)
        took.append(time.perf_counter() - started)
    first, *later = took
    figures = {**spread(later), "first_ms": 1000 * first, "seconds": float(np.median(later))}
    return {**figures, "start_mib": start, "count": count}


def hide(count: int) -> Result:
    """Measure requests that hide a picture each; the rebuild is queued, and not run."""
    set_up()
    from retrieval.datasets.services.curating import set_hidden

    row = dataset()
    keys = list(row.images.filter(hidden=False).order_by("-pk").values_list("pk", flat=True)[: HIDDEN + 1])
    start = peak_mib()
    took = [timed(lambda key=key: set_hidden(row, [key], True, by=None))["seconds"] for key in keys][1:]  # type: ignore[misc]
    return {**spread(took), "seconds": float(np.median(took)), "start_mib": start, "count": count}


def catalogue(count: int) -> Result:
    """Measure the writing of the files, which the first job after a change does."""
    set_up()
    from retrieval.datasets.services.catalogue import fresh_catalogue

    row = dataset()
    return {**timed(lambda: fresh_catalogue(row.pk)), "count": count}


def make_map(count: int) -> Result:
    """Measure the job that draws a map."""
    set_up()
    from retrieval.models import Index
    from retrieval.pages.services.maps import submit_map

    rows = Index.objects.select_related("model", "dataset").filter(active=True)
    job = submit_map(rows.order_by("model__name")[0], by=None)
    return {**timed(lambda: ended(job)), "count": count}


def delete(count: int) -> Result:
    """Measure the job that deletes the data set; its models and queued jobs go before."""
    set_up()
    from django.utils import timezone

    from jobs.models import Job
    from retrieval.datasets.services.deleting import submit_deletion
    from retrieval.models import Index, Model

    Job.objects.filter(state__in=Job.ACTIVE).update(state=Job.State.CANCELLED, finished_at=timezone.now())
    Index.objects.all().delete()
    Model.objects.all().delete()
    job = submit_deletion(dataset(), by=None)
    return {**timed(lambda: ended(job)), "count": count}


def metrics(count: int) -> Result:
    """Measure all ranking metrics of held-out pictures that search each other."""
    from mlcore.evaluation.metrics import retrieval_metrics

    found, labels = vectors(count, KINDS["hard"]), np.arange(count) // PER_CLASS % classes_of(count)
    return {**timed(lambda: retrieval_metrics(found, labels, (1, 10, 100))), "count": count}


class Pixels:
    """Stands for a cache of pixels: row n is drawn when it is asked for."""

    def __getitem__(self, row: int) -> NDArray[np.uint8]:
        random = np.random.default_rng(row)
        coarse = random.integers(0, 256, (6, 6, 3), np.uint8)
        return coarse.repeat(SIDE // 6, axis=0).repeat(SIDE // 6, axis=1)


def near_duplicates(count: int) -> Result:
    """Measure the comparison of so many held-out pictures with as many of training; every hundredth is one of them."""
    from mlcore.evaluation.near_duplicates import find_near_duplicates

    measured, trained = np.arange(count), np.arange(count - max(1, count // 100), 2 * count - max(1, count // 100))
    found: list[Any] = []
    result = timed(lambda: found.extend(find_near_duplicates(Pixels(), measured, trained)))  # type: ignore[arg-type]
    return {**result, "count": count, "found": len(found)}
