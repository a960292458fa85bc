"""Who sees which data sets and pictures, and what is counted of them."""

from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.db.models import Count, Min, Q, QuerySet

from accounts import audit
from accounts.models import User
from accounts.roles import Visitor, is_curator
from retrieval.models import Dataset, Image


def visible_datasets(user: Visitor) -> QuerySet[Dataset]:
    """Return the data sets this person may see: curators all, members the imported, visitors the public ones."""
    if is_curator(user):
        return Dataset.objects.all()
    ready = Dataset.objects.filter(revision__gt=0)
    return ready if user.is_authenticated else ready.filter(public=True)


def visible_images(user: Visitor) -> QuerySet[Image]:
    """Return the pictures of the data sets this person may see; hidden ones are for curators."""
    images = Image.objects.filter(dataset__in=visible_datasets(user)).select_related("dataset")
    return images if is_curator(user) else images.filter(hidden=False)


def class_counts(
    dataset: Dataset, labels: Collection[int] | None = None, *, hidden: bool = False
) -> list[dict[str, Any]]:
    """Return label, name, images, held_out of them and sample, a picture's key, of each class, by label.

    labels: of these classes only. Hidden pictures do not count, unless `hidden` asks for every class that a
    curator may mend.
    """
    images = dataset.images.all() if hidden else dataset.images.filter(hidden=False)
    if labels is not None:
        images = images.filter(label__in=labels)
    held_out = Count("pk", filter=~Q(split=Image.Split.TRAIN))
    counts = images.values("label").annotate(images=Count("pk"), held_out=held_out, sample=Min("pk")).order_by("label")
    return [{**row, "name": dataset.classes[row["label"]]} for row in counts]


@transaction.atomic
def set_public(dataset: Dataset, public: bool, *, by: User | None = None) -> None:
    """Let visitors see the pictures of a data set, or not; twice is as once."""
    if Dataset.objects.filter(pk=dataset.pk).exclude(public=public).update(public=public):
        audit.record(by, "show-dataset-to-visitors" if public else "show-dataset-to-members", dataset.name)
