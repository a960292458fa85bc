"""Reading pictures with the names of their classes: a table of names, against a JSON list in the row of the data set.

The list is how names were kept up to 0.1.0, and is made here again: every picture that is joined with its data set
decodes the whole of it. Both sides read the same pictures of one data set from one SQLite file and name each; the table
is read at a larger size besides, where the lists need some 18 GB.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.heads import above_start
from benchmarks.measuring import Result, answer, measure_sides, parser, peak_mib, report

BATCH = 1000
FILLING = "filling"  # the database, before the sides read it


def main() -> None:
    """Print seconds and memory of both sides at one size, and of the table at the full size."""
    options = parser(__doc__)
    options.add_argument("--classes", type=int, default=2_000, help="of the data set (default: 2000)")
    options.add_argument("--pictures", type=int, default=4_000, help="that both sides read (default: 4000)")
    options.add_argument("--full", type=int, default=100_000, help="that the table's side reads (default: 100000)")
    chosen = options.parse_args()
    sizes = {"classes": chosen.classes, "pictures": chosen.pictures, "full": chosen.full}
    sizes, repeats = ({"classes": 20, "pictures": 60, "full": 80}, 1) if chosen.quick else (sizes, chosen.repeats)
    sides: dict[str, Callable[[], Result]] = {
        FILLING: partial(fill, **sizes),
        "list": partial(with_lists, chosen.pictures),
        "table": partial(with_table, chosen.pictures),
        "table, full size": partial(with_table, chosen.full),
    }
    if chosen.side:
        return answer(sides, chosen.side)
    with tempfile.TemporaryDirectory() as folder:
        place_site(Path(folder))
        arguments = [part for name, size in sizes.items() for part in (f"--{name}", str(size))]
        measure_sides("benchmarks.class_names", [FILLING], 1, arguments)  # a child's peak begins with its parent's
        found = measure_sides("benchmarks.class_names", ["list", "table"], repeats, arguments)
        found |= measure_sides("benchmarks.class_names", ["table, full size"], 1, arguments)
    above_start(found)
    before, after = found["list"], found["table"]
    notes = [
        f"{sizes['pictures']} pictures, {sizes['classes']} classes:"
        f" {before['seconds'] / after['seconds']:.0f} x the speed of the lists (>= 5),"
        f" {after['above_start_mib'] / before['above_start_mib']:.3f} of their memory (<= 0.1)"
    ]
    report(found, notes, as_json=chosen.json)


def place_site(folder: Path) -> None:
    """Have this process and its children use a site of their own."""
    os.environ |= {"KINDRED_VAR": str(folder), "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}"}


def set_up() -> None:
    """Load the site."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()


def fill(classes: int, pictures: int, full: int) -> Result:
    """Make the tables of today, with `full` pictures, and those of before, with `pictures`."""
    set_up()
    from django.core.management import call_command
    from django.db import connection

    from retrieval.datasets.services.classes import add_classes
    from retrieval.models import Dataset, Image

    call_command("migrate", verbosity=0)
    names = [f"Genus species number {label}" for label in range(classes)]
    dataset = Dataset.objects.create(name="Many", slug="many", source="drawn", revision=1)
    add_classes(dataset, names)
    Image.objects.bulk_create(drawn(Image, dataset, classes, full), batch_size=BATCH)
    old_dataset_model, old_image_model = old_models()
    with connection.schema_editor() as editor:
        editor.create_model(old_dataset_model)
        editor.create_model(old_image_model)
    old = old_dataset_model.objects.create(name="Many", slug="many", classes=names)
    old_image_model.objects.bulk_create(drawn(old_image_model, old, classes, pictures), batch_size=BATCH)
    return {}


def drawn(model: Any, dataset: Any, classes: int, pictures: int) -> Iterator[Any]:
    """Yield pictures that are spread evenly over the classes; none has a file."""
    for number in range(pictures):
        about = {"split": "test", "sha256": f"{number:064d}", "width": 640, "height": 480, "look": bytes(256)}
        yield model(dataset=dataset, path=f"{number:06d}.jpg", label=number % classes, **about)


def old_models() -> tuple[Any, Any]:
    """Return the data set with its list of names, and its picture."""
    from django.db import models

    class OldDataset(models.Model):
        name = models.CharField(max_length=80)
        slug = models.SlugField(max_length=90)
        classes = models.JSONField(default=list)

        class Meta:
            app_label = "benchmarks"

        def __str__(self) -> str:
            return self.name

    class OldImage(models.Model):
        dataset = models.ForeignKey(OldDataset, on_delete=models.CASCADE, related_name="+")
        path = models.CharField(max_length=300)
        label = models.PositiveIntegerField()
        split = models.CharField(max_length=7)
        sha256 = models.CharField(max_length=64)
        width = models.PositiveIntegerField()
        height = models.PositiveIntegerField()
        hidden = models.BooleanField(default=False)
        look = models.BinaryField(null=True)

        class Meta:
            app_label = "benchmarks"

        def __str__(self) -> str:
            return self.path

    return OldDataset, OldImage


def with_lists(pictures: int) -> Result:
    """Measure as before: each row with its data set."""
    set_up()
    _, image_model = old_models()
    images = image_model.objects.order_by("pk").select_related("dataset")
    return timed(images, pictures, lambda image: image.dataset.classes[image.label])


def with_table(pictures: int) -> Result:
    """Measure as the site does."""
    set_up()
    from retrieval.models import Image

    return timed(Image.objects.order_by("pk").named(), pictures, lambda image: image.class_name)


def timed(images: Any, pictures: int, name: Callable[[Any], str]) -> Result:
    """Return how long it takes to read and name the first pictures, and the memory in MiB held before."""
    list(images[:1])  # opens the file
    start, started = peak_mib(), time.perf_counter()
    read = [name(image) for image in list(images[:pictures])]
    return {"pictures": len(read), "seconds": time.perf_counter() - started, "start_mib": start}


if __name__ == "__main__":
    main()
