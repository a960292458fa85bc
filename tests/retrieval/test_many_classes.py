"""20,000 pictures of as many classes as Stanford Online Products has: every path that reads them all, under 1 GB."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CLASSES, PICTURES = 22_634, 20_000
SCRIPT = """
import json, sys
from benchmarks.class_names import drawn, set_up
from benchmarks.measuring import peak_mib
set_up()
from django.core.management import call_command
from django.test import Client
from django.conf import settings
from jobs.models import Job
from jobs.services import run_job
from mlcore.artifacts import write_json
from retrieval.datasets.services.catalogue import fresh_catalogue
from retrieval.datasets.services.classes import add_classes, class_counts, class_page
from retrieval.datasets.services.deleting import submit_deletion
from retrieval.datasets.services.thumbnails import fill_looks
from retrieval.models import Dataset, Image
from retrieval.pages.services.storage.needed import needed_files

classes, pictures = map(int, sys.argv[1:])
call_command("migrate", verbosity=0)
row = Dataset.objects.create(name="Many", slug="many", source="drawn", revision=1, public=True)
row.folder.mkdir(parents=True)
write_json(row.folder / "dataset.json", {})
add_classes(row, [f"Genus species number {label}" for label in range(classes)])
Image.objects.bulk_create(drawn(Image, row, classes, pictures), batch_size=1000)
_, files = fresh_catalogue(row.pk)
Image.objects.filter(pk__lte=500).update(look=None)
seen = {
    "catalogue": len(files.pictures),
    "hashes": fill_looks(row),
    "counts": len(class_counts(row)),
    "page": len(class_page(row)),
    "files": sum(1 for _ in needed_files()) - 2,
}
settings.ALLOWED_HOSTS = ["testserver"]
for url in ("/datasets/many/", "/datasets/many/?page=300", f"/api/v1/datasets/{row.pk}/images/"):
    seen[url] = Client().get(url).status_code
job = submit_deletion(Dataset.objects.get(), by=None)
run_job(job.pk)
seen["left"] = Image.objects.count()
print(json.dumps({**seen, "state": Job.objects.get(pk=job.pk).state, "peak_mib": peak_mib()}))
"""


@pytest.mark.full  # a process that loads the site, and a minute of one core
def test_no_path_holds_more_than_a_gigabyte(tmp_path: Path) -> None:
    place = {"KINDRED_VAR": str(tmp_path), "DATABASE_URL": f"sqlite:///{tmp_path / 'db.sqlite3'}"}
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(CLASSES), str(PICTURES)],
        cwd=ROOT,
        env={**os.environ, **place, "CELERY_BROKER_URL": "memory://", "KINDRED_DEBUG": "true"},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    seen = json.loads(ended.stdout.splitlines()[-1])
    assert seen.pop("peak_mib") < 1024
    assert seen == {
        "catalogue": PICTURES,
        "hashes": 0,  # their files are not there
        "counts": PICTURES,
        "page": 24,
        "files": PICTURES,
        "/datasets/many/": 200,
        "/datasets/many/?page=300": 200,
        "/api/v1/datasets/1/images/": 200,
        "left": 0,
        "state": "succeeded",
    }
