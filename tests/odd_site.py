"""A site full of odd data: long, unbroken, right-to-left and HTML-like names, many classes, many models, one picture.

Made of the trained world by rows and links to its files: nothing is trained again.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from accounts.models import User
from retrieval.datasets.services.classes import add_classes
from retrieval.datasets.services.pictures import rendition_key
from retrieval.models import Dataset, DatasetClass, Image, Index, Model, Run, Search
from storage.store import place_of
from tests.retrieval.pictures import jpeg
from tests.retrieval.world import World

UNBROKEN = "Quetzalcoatlus" * 6
RIGHT_TO_LEFT = "فراشة الطاووس الأبيض الكبيرة"
EMOJI = "🦋👩‍🔬🏳️‍🌈 " * 9
HTML_LIKE = "<script>alert('x')</script> & <b title=\"y\">bold</b> {{ name }} {% now %}"
LONG = "The one with a name that goes on until it has as many characters as may be, or more"
CLASS_NAMES = (UNBROKEN, RIGHT_TO_LEFT, EMOJI, HTML_LIKE, LONG, "פרפר לבן, גדול מאוד", "蝴蝶" * 40, "100 % a/b?c=d#e")
MODEL_NAMES = ("SoftTriple", UNBROKEN + UNBROKEN[:70], RIGHT_TO_LEFT, HTML_LIKE, EMOJI, LONG * 2)
DATASET_NAME = f"{HTML_LIKE[:40]}{'W' * 40}"
MODELS, CLASSES = 30, 5000
SHA256 = "ab" * 32  # of every picture of the sets that are rows alone


@dataclass(frozen=True)
class OddSite:
    """The data set of the odd classes, the one of many classes, that of one picture, and a search."""

    odd: Dataset
    many: Dataset
    single: Dataset
    search: Search


def odd_site(world: World, by: User) -> OddSite:
    """Give the world odd names and 30 models, search it, and add two data sets of rows alone."""
    for label, name in enumerate(CLASS_NAMES):
        DatasetClass.objects.filter(dataset=world.dataset, label=label).update(name=name)
    Dataset.objects.filter(pk=world.dataset.pk).update(
        name=DATASET_NAME, attribution=LONG * 3, licence=UNBROKEN * 3, source=f"/srv/{UNBROKEN}/{UNBROKEN}"
    )
    first = world.models[0]
    for number in range(2, MODELS):
        _another(first, number)
    for number, model in enumerate(Model.objects.order_by("pk")):
        Model.objects.filter(pk=model.pk).update(name=MODEL_NAMES[number % len(MODEL_NAMES)][:150] + f" {number}")
    for kind in ("thumbnails", "pictures"):
        file = place_of(rendition_key(SHA256, kind))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(jpeg())
    world.dataset.refresh_from_db()
    everything = list(Model.objects.order_by("pk"))
    search = world.ask(by, models=everything[:6], k=6)
    return OddSite(world.dataset, _rows("Many", CLASSES), _rows("Single", 1), search)


def _another(model: Model, number: int) -> None:
    """Add a model that is the same but for its seed and colour, with an index of its own."""
    index = Index.objects.get(model=model, active=True)
    run = Run.objects.get(pk=model.run_id)
    run.pk, run.seed, run.job = None, number, None
    run.save()
    artifact, path = f"{model.artifact}-{number}", f"{index.path}-{number}"
    for old, new in ((model.folder, artifact), (index.folder, path)):
        shutil.copytree(old, Path(settings.MEDIA_ROOT) / new, copy_function=os.link)
    copy = Model.objects.get(pk=model.pk)
    copy.pk, copy.run, copy.artifact, copy.color = None, run, artifact, number % 8
    copy.save()
    index.pk, index.model, index.path = None, copy, path
    index.save()


def _rows(name: str, classes: int) -> Dataset:
    report = {
        "images": classes, "train_images": (classes + 1) // 2, "train_classes": (classes + 1) // 2,
        "test_images": classes // 2, "test_classes": classes // 2,
    }  # fmt: skip
    dataset = Dataset.objects.create(
        name=name, slug=name.lower(), source="rows", public=True, revision=1, fingerprint=name, report=report
    )
    add_classes(dataset, [f"{CLASS_NAMES[number % len(CLASS_NAMES)][:70]} {number}" for number in range(classes)])
    Image.objects.bulk_create(
        (
            Image(
                dataset=dataset, path=f"{label}.jpg", label=label, split="train" if label % 2 == 0 else "test",
                sha256=SHA256, width=48, height=32,
            )
            for label in range(classes)
        ),
        batch_size=1000,
    )  # fmt: skip
    return dataset


def pages_of(site: OddSite) -> dict[str, str]:
    """Return the addresses of the pages that show odd data, by name."""
    odd, many, single = site.odd, site.many, site.single
    picture = Image.objects.filter(dataset=odd, label=0).first()
    assert picture is not None
    only = Image.objects.get(dataset=single)
    return {
        "search": f"/?datasets={odd.pk}",
        "search in many": f"/?datasets={many.pk}",
        "results": f"/searches/{site.search.pk}/",
        "history": "/searches/",
        "data sets": "/datasets/",
        "data set": f"/datasets/{odd.slug}/",
        "data set of many classes": f"/datasets/{many.slug}/",
        "data set of one picture": f"/datasets/{single.slug}/",
        "hardest": f"/datasets/{odd.slug}/?sort=hardest",
        "picture": f"/datasets/{odd.slug}/pictures/{picture.pk}/",
        "only picture": f"/datasets/{single.slug}/pictures/{only.pk}/",
        "classes": f"/datasets/{odd.slug}/classes/",
        "many classes": f"/datasets/{many.slug}/classes/",
        "class": f"/datasets/{odd.slug}/classes/3/",
        "class of one picture": f"/datasets/{many.slug}/classes/7/",
        "map": f"/datasets/{odd.slug}/map/",
        "leaderboard": "/leaderboard/",
        "algorithm": "/algorithms/soft_triple/",
        "downloads": "/downloads/",
        "lab": "/lab/",
        "curation": f"/lab/datasets/{odd.slug}/pictures/",
        "curation of many": f"/lab/datasets/{many.slug}/pictures/",
        "classes to curate": f"/lab/datasets/{many.slug}/classes/",
        "class to curate": f"/lab/datasets/{odd.slug}/classes/3/",
        "labels": f"/lab/datasets/{odd.slug}/labels/",
        "indexes": f"/lab/datasets/{odd.slug}/indexes/",
        "experiment": f"/lab/experiments/{Run.objects.values_list('experiment', flat=True)[0]}/",
        "model": f"/lab/models/{Model.objects.order_by('-pk')[0].pk}/",
    }
