"""What a model is made of on disk: its files, and every index it had, with their seals."""

from typing import Any

from jobs.models import Job
from mlcore.runs import WEIGHTS
from retrieval.models import Index, Model
from retrieval.registry.services.checksums import checksum_of


def files_of(model: Model) -> list[dict[str, Any]]:
    """Return {"name", "size", "sha256"} of each file of a model, by name; sha256 None until a worker has read it."""
    if not model.folder.is_dir():
        return []
    return [
        {
            "name": file.name,
            "size": file.stat().st_size,
            "sha256": model.weights_sha256 if file.name in WEIGHTS.values() else checksum_of(file),
        }
        for file in sorted(model.folder.iterdir())
        if file.is_file()
    ]


def indexes_of(model: Model) -> list[dict[str, Any]]:
    """Return every index a model had, the newest first, with its settings, cost and the job that built it."""
    rows = list(model.indexes.select_related("dataset"))
    known = set(Job.objects.filter(pk__in=[_job_of(row) for row in rows]).values_list("pk", flat=True))
    return [
        {
            "row": row,
            "bytes": sum(seal["bytes"] for seal in row.manifest["files"].values()),
            "seconds": row.manifest["build_seconds"],
            "job": _job_of(row) if _job_of(row) in known else None,
            "links": row.manifest["M"],
            "candidates": row.manifest["ef"],
            "on_disk": row.folder.is_dir(),
        }
        for row in rows
    ]


def _job_of(index: Index) -> int:
    """Return the key of the job that built an index, which its folder is named by; 0 for none."""
    number = index.path.rpartition("job-")[2].partition("-")[0]
    return int(number) if number.isdecimal() else 0


def maker_of(model: Model) -> int | None:
    """Return the key of the job that made a model; None where its row is gone."""
    if model.run is not None:
        return model.run.job_id
    return Job.objects.filter(kind="add-model", result__model=model.pk).values_list("pk", flat=True).first()
