"""Which data sets and pictures a person may see, and whether a data set is public."""

from enum import Enum

from django.db import transaction
from django.db.models import CharField, Exists, OuterRef, QuerySet, Value
from django.db.models.functions import Cast, Concat

from accounts import audit
from accounts.models import User
from accounts.roles import Visitor, is_curator
from jobs.models import Job
from retrieval.models import Dataset, Image, ImageQuerySet

DELETION = "delete-dataset:"  # of the key of a job that deletes a data set; behind it is the data set's


class Sight(Enum):
    """Which data sets somebody sees: curators all, members the imported, visitors the public ones."""

    ALL = "all"
    IMPORTED = "imported"
    PUBLIC = "public"


def sight_of(user: Visitor) -> Sight:
    """Return what a person may see."""
    if is_curator(user):
        return Sight.ALL
    return Sight.IMPORTED if user.is_authenticated else Sight.PUBLIC


def visible_datasets(user: Visitor) -> QuerySet[Dataset]:
    """Return the data sets a person may see.

    Nobody sees one whose deletion is queued; it is visible again if the job fails or is cancelled.
    """
    return datasets_within(sight_of(user))


def datasets_within(sight: Sight) -> QuerySet[Dataset]:
    """Return the data sets that people see who see so much."""
    deletion = Job.objects.filter(state__in=Job.ACTIVE, key=Concat(Value(DELETION), Cast(OuterRef("pk"), CharField())))
    there = Dataset.objects.exclude(Exists(deletion))
    if sight is Sight.ALL:
        return there
    ready = there.filter(revision__gt=0)
    return ready if sight is Sight.IMPORTED else ready.filter(public=True)


def visible_images(user: Visitor) -> ImageQuerySet:
    """Return the pictures whose file a person may get; curators also get hidden ones.

    Every view that serves a picture uses this rule. Nobody gets one whose deletion is queued.
    """
    if not is_curator(user):
        return shown_images(user)
    images = Image.objects.filter(dataset__in=visible_datasets(user))
    return images.exclude(pk__in=pictures_being_deleted())


def shown_images(user: Visitor) -> ImageQuerySet:
    """Return the pictures that results may show a person: those of visible data sets that are not hidden."""
    return images_within(sight_of(user))


def images_within(sight: Sight) -> ImageQuerySet:
    """Return the pictures that results show people who see so much."""
    return Image.objects.filter(dataset__in=datasets_within(sight), hidden=False)


def pictures_being_deleted() -> frozenset[int]:
    """Return the keys of the pictures whose deletion is queued."""
    deletions = Job.objects.filter(kind="delete-pictures", state__in=Job.ACTIVE)
    return frozenset(pk for payload in deletions.values_list("payload", flat=True) for pk, *_ in payload["pictures"])


@transaction.atomic
def set_public(dataset: Dataset, public: bool, *, by: User | None = None) -> None:
    """Make a data set public, so that visitors see its pictures, or not; idempotent."""
    if Dataset.objects.filter(pk=dataset.pk).exclude(public=public).update(public=public):
        audit.record(by, "show-dataset-to-visitors" if public else "show-dataset-to-members", dataset.name)
