"""What is searched: data sets and their pictures."""

from pathlib import Path
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from jobs.models import Job


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
    classes = models.JSONField(default=list, blank=True, help_text="Names; a label is a place in this list.")
    fingerprint = models.CharField(max_length=64, blank=True)
    revision = models.PositiveIntegerField(default=0)
    history = models.JSONField(
        default=list, blank=True, help_text="Each revision since the first change: its fingerprint, when, and what."
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
    def folder(self) -> Path:
        return Path(settings.MEDIA_ROOT) / "datasets" / f"{self.pk}-{self.slug}"

    @property
    def is_ready(self) -> bool:
        return self.revision > 0

    @property
    def revisions(self) -> dict[str, int]:
        """The newest revision of each fingerprint that the data set ever had."""
        return {entry["fingerprint"]: entry["revision"] for entry in self.history} | {self.fingerprint: self.revision}


class ImageQuerySet(models.QuerySet["Image"]):
    """Pictures by what their split lets them do; a held-out one may ask, answer, or both, unless it is hidden."""

    def asking(self) -> Self:
        """Return the held-out pictures that ask: queries, and test pictures, which ask each other."""
        return self.filter(split__in=(Image.Split.TEST, Image.Split.QUERY), hidden=False)

    def answering(self) -> Self:
        """Return the held-out pictures among which the others' answers are: a gallery, or the test pictures."""
        return self.filter(split__in=(Image.Split.TEST, Image.Split.GALLERY), hidden=False)


class Image(models.Model):
    """A picture of a data set. Its primary key is its label in every index and is never reused."""

    class Split(models.TextChoices):
        TRAIN = "train"
        TEST = "test"
        QUERY = "query"
        GALLERY = "gallery"

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="images")
    path = models.CharField(max_length=300, help_text="Below the data set's images/ folder.")
    label = models.PositiveIntegerField()
    split = models.CharField(max_length=7, choices=Split.choices)
    sha256 = models.CharField(max_length=64)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    hidden = models.BooleanField(default=False, help_text="Never an answer, and not in the next index.")
    look = models.BinaryField(null=True, help_text="Its coarse grey values, by which near-duplicates are told.")

    objects = ImageQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["dataset", "split", "label"], name="image_by_split")]
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
        return str(self.dataset.classes[self.label])

    @property
    def file(self) -> Path:
        return self.dataset.folder / "images" / self.path
