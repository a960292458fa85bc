"""What is searched: data sets and their pictures."""

from pathlib import Path
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from jobs.models import Job
from storage.store import place_of, store


class Dataset(models.Model):
    """A set of pictures in named classes, imported once; its files live in `folder`.

    Revision 0 means that the import has not ended well yet.
    """

    name = models.CharField(max_length=80, unique=True)
    slug = models.SlugField(max_length=90, unique=True)
    source = models.CharField(max_length=500, help_text="Server path, uploaded archive, or wings[:species=60,...].")
    licence = models.CharField(max_length=300, blank=True)
    attribution = models.CharField(max_length=300, blank=True, help_text="Shown with every picture, as is the licence.")
    labelled = models.BooleanField(
        default=True, help_text="Without labels it can be searched, but neither learned nor measured."
    )
    public = models.BooleanField(default=False, help_text="Visitors who have not signed in may see its pictures.")
    fingerprint = models.CharField(
        max_length=64, blank=True, help_text="Of its visible pictures; empty until a job has read a new revision."
    )
    revision = models.PositiveIntegerField(default=0)
    history = models.JSONField(
        default=list,
        blank=True,
        help_text="Each revision since the first change: its fingerprint, offset, when, and what.",
    )
    layout = models.JSONField(
        default=dict, blank=True, help_text="Choices about the layout of the source; what is left out was found."
    )
    report = models.JSONField(default=dict, blank=True)
    job = models.ForeignKey(Job, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def import_report(self) -> dict[str, Any]:
        """The report of the import in today's keys.

        Release 0.1 called the singleton classes lonely, and stored its lists whole, without `totals` of them.
        """
        report = {"singleton_classes" if name == "lonely" else name: value for name, value in self.report.items()}
        whole = {name: len(value) for name, value in report.items() if isinstance(value, list)}
        return {**report, "totals": {**whole, **report.get("totals", {})}}

    @property
    def storage_key(self) -> str:
        """The key below which its pictures are stored."""
        return f"datasets/{self.pk}-{self.slug}"

    def picture_key(self, path: str) -> str:
        """Return the key of the picture at a path below its images."""
        return f"{self.storage_key}/images/{path}"

    @property
    def folder(self) -> Path:
        """Its place on this host. The lists of its pictures there are written again where they are missing or old."""
        return place_of(self.storage_key)

    @property
    def is_ready(self) -> bool:
        return self.revision > 0

    @property
    def revisions(self) -> dict[str, int]:
        """The newest revision of each known fingerprint that the data set ever had."""
        every = {entry["fingerprint"]: entry["revision"] for entry in self.history} | {self.fingerprint: self.revision}
        return {fingerprint: revision for fingerprint, revision in every.items() if fingerprint}

    @property
    def class_names(self) -> list[str]:
        """The name of every class; a label is a place in this list. One query, unless `classes` are prefetched."""
        return [known.name for known in self.classes.all()]


class DatasetClass(models.Model):
    """A class of a data set. Labels go from 0 without a gap and never change; two classes may have one name."""

    dataset = models.ForeignKey(  # the constraint's index begins with it
        Dataset, on_delete=models.CASCADE, related_name="classes", db_index=False
    )
    label = models.PositiveIntegerField()
    name = models.TextField()

    class Meta:
        ordering = ["dataset_id", "label"]
        constraints = [models.UniqueConstraint(fields=["dataset", "label"], name="one_class_a_label")]

    def __str__(self) -> str:
        return self.name


class ImageQuerySet(models.QuerySet["Image"]):
    """Pictures by what their split lets them do; a held-out one may ask, answer, or both, unless it is hidden."""

    def named(self) -> Self:
        """Return them with their classes' names and their data sets, each of which is read once, not with every row."""
        return self.select_related("dataset_class").prefetch_related("dataset")

    def asking(self) -> Self:
        """Return the held-out pictures that ask: queries, and test pictures, which ask each other."""
        return self.filter(split__in=(Image.Split.TEST, Image.Split.QUERY), hidden=False)

    def answering(self) -> Self:
        """Return the held-out pictures among which the others' answers are: a gallery, or the test pictures."""
        return self.filter(split__in=Image.ANSWERING, hidden=False)


class Image(models.Model):
    """A picture of a data set. Its primary key is its label in every index and is never reused."""

    class Split(models.TextChoices):
        TRAIN = "train"
        TEST = "test"
        QUERY = "query"
        GALLERY = "gallery"

    ANSWERING = (Split.GALLERY, Split.TEST)

    dataset = models.ForeignKey(  # indexes below begin with it
        Dataset, on_delete=models.CASCADE, related_name="images", db_index=False
    )
    path = models.CharField(max_length=300, help_text="Below the data set's images/ folder.")
    label = models.PositiveIntegerField()
    split = models.CharField(max_length=7, choices=Split.choices)
    sha256 = models.CharField(max_length=64)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    hidden = models.BooleanField(default=False, help_text="Never an answer, and not in the next index.")
    look = models.BinaryField(null=True, help_text="Its coarse grey values, by which near-duplicates are told.")
    changed_revision = models.PositiveIntegerField(
        default=0, help_text="Revision that last hid, showed or moved it; 0 as it came."
    )

    dataset_class = models.ForeignObject(  # a join on both columns: it has none of its own
        DatasetClass,
        on_delete=models.DO_NOTHING,
        from_fields=("dataset", "label"),
        to_fields=("dataset", "label"),
        related_name="images",
        null=True,  # no label is without its class; but an INNER JOIN could drop pictures from lists unseen
        editable=False,
        serialize=False,
    )

    objects = ImageQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        indexes = [  # each for an order of a list, or a filter; tests/retrieval/test_query_plans.py reads the plans
            models.Index(fields=["dataset", "id"], name="image_by_key"),
            models.Index(fields=["dataset", "label", "id"], name="image_by_label"),
            models.Index(fields=["dataset", "split", "id"], name="image_by_split_and_key"),
            models.Index(fields=["dataset", "changed_revision"], name="image_by_changed_revision"),
            models.Index(fields=["sha256"], name="image_by_content"),
            # SQLite reads an index for `NOT hidden` only where it is the index's own condition.
            models.Index(fields=["dataset", "split", "label", "id"], condition=Q(hidden=False), name="image_shown"),
            models.Index(fields=["dataset", "label", "id"], condition=Q(hidden=True), name="image_hidden"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["dataset", "path"], name="one_image_a_path"),
            models.CheckConstraint(
                condition=Q(split__in=("train", "test", "query", "gallery")), name="image_split_known"
            ),
        ]

    def __str__(self) -> str:
        return self.path

    @property
    def class_name(self) -> str:
        """A query of its own, unless the rows come from `named()` or are selected with `dataset_class`."""
        if self.dataset_class is None:
            raise DatasetClass.DoesNotExist(f"data set {self.dataset_id} has no class {self.label}")
        return self.dataset_class.name

    @property
    def storage_key(self) -> str:
        """The key of its file, which never changes."""
        return self.dataset.picture_key(self.path)

    @property
    def file(self) -> Path:
        """Its place on this host, filled from the storage."""
        return store().local_copy(self.storage_key)


class DeletedImage(models.Model):
    """The key of a deleted picture, which older indexes still hold. Searches leave it out."""

    dataset = models.ForeignKey(  # the constraint's index begins with it
        Dataset, on_delete=models.CASCADE, related_name="deleted_images", db_index=False
    )
    revision = models.PositiveIntegerField(help_text="Revision that deleted it.")
    key = models.PositiveBigIntegerField(help_text="The primary key it had, which no other picture gets.")

    class Meta:
        ordering = ["dataset_id", "revision", "key"]
        constraints = [models.UniqueConstraint(fields=["dataset", "revision", "key"], name="one_deletion_a_key")]

    def __str__(self) -> str:
        return f"picture {self.key}, deleted"
