"""Who sees which data sets and pictures, and what is counted of them."""

from typing import Any

from django.db.models import Count, Q, QuerySet

from accounts.roles import Visitor, is_curator
from retrieval.models import Dataset, Image


def visible_datasets(user: Visitor) -> QuerySet[Dataset]:
    """Return the data sets this person may see: curators all, members the imported, visitors the public ones."""
    if is_curator(user):
        return Dataset.objects.all()
    ready = Dataset.objects.filter(revision__gt=0)
    return ready if user.is_authenticated else ready.filter(public=True)


def visible_images(user: Visitor) -> QuerySet[Image]:
    """Return the pictures of the data sets this person may see."""
    return Image.objects.filter(dataset__in=visible_datasets(user)).select_related("dataset")


def class_counts(dataset: Dataset) -> list[dict[str, Any]]:
    """Return label, name and number of pictures of each class, and how many are held out, by label."""
    held_out = Count("pk", filter=~Q(split=Image.Split.TRAIN))
    counts = dataset.images.values("label").annotate(images=Count("pk"), held_out=held_out).order_by("label")
    return [{**row, "name": dataset.classes[row["label"]]} for row in counts]


def set_public(dataset: Dataset, public: bool) -> None:
    """Let visitors see the pictures of a data set, or not."""
    Dataset.objects.filter(pk=dataset.pk).update(public=public)
