"""Who sees which data sets and pictures, and what is counted of them."""

from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.db.models import CharField, Count, Exists, Min, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat

from accounts import audit
from accounts.models import User
from accounts.roles import Visitor, is_curator
from jobs.models import Job
from retrieval.datasets.services.classes import names_by_label
from retrieval.models import Dataset, Image, ImageQuerySet

DELETION = "delete-dataset:"  # of the key of a job that deletes a data set; behind it is the data set's


def visible_datasets(user: Visitor) -> QuerySet[Dataset]:
    """Return the data sets this person may see: curators all, members the imported, visitors the public ones.

    One whose deletion is queued is seen by nobody; it comes back should the job fail or be cancelled.
    """
    deletion = Job.objects.filter(state__in=Job.ACTIVE, key=Concat(Value(DELETION), Cast(OuterRef("pk"), CharField())))
    there = Dataset.objects.exclude(Exists(deletion))
    if is_curator(user):
        return there
    ready = there.filter(revision__gt=0)
    return ready if user.is_authenticated else ready.filter(public=True)


def visible_images(user: Visitor) -> ImageQuerySet:
    """Return the pictures of which this person may have the file; hidden ones are for curators.

    This is the one rule: whatever serves a picture, by whichever link, finds it here. One whose deletion is queued
    is for nobody.
    """
    if not is_curator(user):
        return shown_images(user)
    images = Image.objects.filter(dataset__in=visible_datasets(user))
    return images.exclude(pk__in=pictures_being_deleted())


def shown_images(user: Visitor) -> ImageQuerySet:
    """Return the pictures that results show this person: those of visible data sets that are not hidden."""
    return Image.objects.filter(dataset__in=visible_datasets(user), hidden=False)


def pictures_being_deleted() -> frozenset[int]:
    """Return the keys of the pictures whose deletion is queued."""
    deletions = Job.objects.filter(kind="delete-pictures", state__in=Job.ACTIVE)
    return frozenset(pk for payload in deletions.values_list("payload", flat=True) for pk, *_ in payload["pictures"])


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
    names = names_by_label(dataset, labels)
    return [{**row, "name": names[row["label"]]} for row in counts]


@transaction.atomic
def set_public(dataset: Dataset, public: bool, *, by: User | None = None) -> None:
    """Let visitors see the pictures of a data set, or not; twice is as once."""
    if Dataset.objects.filter(pk=dataset.pk).exclude(public=public).update(public=public):
        audit.record(by, "show-dataset-to-visitors" if public else "show-dataset-to-members", dataset.name)
