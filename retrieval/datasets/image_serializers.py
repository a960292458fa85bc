"""Serializers of pictures."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.reverse import reverse

from config.api.fields import KeyField
from config.api.strict import StrictSerializer
from retrieval.datasets.api.uploads import WaitingUploadField
from retrieval.datasets.services.bounds import MOST_PICTURES
from retrieval.datasets.services.classes import NAME_LENGTH, SPLITS
from retrieval.models import Image

MOST_FILES = 100
FILE = "https://kindred.example.org/api/v1/images/7/file/"
IMAGE = {
    "id": 7,
    "dataset": 1,
    "path": "0000/000007.png",
    "label": 0,
    "class_name": "Adonis",
    "split": "train",
    "sha256": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
    "width": 640,
    "height": 480,
    "hidden": False,
    "url": FILE,
    "thumbnail_url": f"{FILE}?size=thumbnail",
}


def picture_url(pk: int, request: Request | None) -> str:
    """Return the API's URL of a picture."""
    return str(reverse("api-image-file", args=[pk], request=request))


def thumbnail_url(pk: int, request: Request | None) -> str:
    """Return the API's URL of a thumbnail."""
    return f"{picture_url(pk, request)}?size=thumbnail"


class PictureUrls:
    """The API's URLs of many pictures in one answer: what they share is made once."""

    def __init__(self, request: Request | None) -> None:
        stand_in = 0
        self._before, self._behind = picture_url(stand_in, request).rsplit(str(stand_in), 1)

    def picture(self, pk: int) -> str:
        """Return what `picture_url` does."""
        return f"{self._before}{pk}{self._behind}"

    def thumbnail(self, pk: int) -> str:
        """Return what `thumbnail_url` does."""
        return f"{self._before}{pk}{self._behind}?size=thumbnail"


@extend_schema_serializer(examples=[OpenApiExample("A picture", IMAGE)])
class ImageSerializer(serializers.ModelSerializer[Image]):
    """A picture; `sha256` is of the imported file, `url` gives a JPEG without camera metadata."""

    class_name = serializers.CharField(read_only=True)
    url = serializers.SerializerMethodField()
    thumbnail_url = serializers.SerializerMethodField()

    class Meta:
        model = Image
        fields = (
            "id", "dataset", "path", "label", "class_name", "split", "sha256", "width", "height", "hidden",
            "url", "thumbnail_url",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(OpenApiTypes.URI)
    def get_url(self, image: Image) -> str:
        return picture_url(image.pk, self.context.get("request"))

    @extend_schema_field(OpenApiTypes.URI)
    def get_thumbnail_url(self, image: Image) -> str:
        return thumbnail_url(image.pk, self.context.get("request"))


@extend_schema_serializer(examples=[OpenApiExample("Hidden", {"hidden": True, "class_name": "Brimstone"})])
class ImageChanges(StrictSerializer):
    """Fields of a picture to change; `class_name` is a class of its data set."""

    hidden = serializers.BooleanField(required=False)
    class_name = serializers.CharField(max_length=NAME_LENGTH, required=False)


@extend_schema_serializer(examples=[OpenApiExample("Three pictures", {"images": [7, 8, 9]})])
class ChosenImages(StrictSerializer):
    """Pictures of a data set, by id."""

    images = serializers.ListField(child=KeyField(), min_length=1, max_length=MOST_PICTURES)


class IntoClass(StrictSerializer):
    """A class by name: an existing one, or a `new` one with its `split`."""

    class_name = serializers.CharField(max_length=NAME_LENGTH)
    new = serializers.BooleanField(default=False)
    split = serializers.ChoiceField(
        choices=SPLITS, default="", allow_blank=True, help_text="Split of a new class: train, or test (held out)."
    )


@extend_schema_serializer(
    examples=[OpenApiExample("To a new class", {"images": [7, 8], "class_name": "Dodo", "new": True, "split": "train"})]
)
class Relabel(ChosenImages, IntoClass):
    """Pictures to move to a class."""


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Two files",
            {"pictures": ["(JPEG)", "(JPEG)"], "class_name": "Adonis"},
            media_type="multipart/form-data",
        )
    ]
)
class NewImages(IntoClass):
    """Pictures for a class, or one archive of them; folder names are ignored."""

    pictures: Any = serializers.ListField(child=serializers.FileField(), min_length=1, max_length=MOST_FILES)


@extend_schema_serializer(
    examples=[OpenApiExample("Held-out classes", {"upload": "0d8f7a4e-6a52-4c57-9f3e-1d2b8c6f5a10", "split": "test"})]
)
class NewFolder(StrictSerializer):
    """An upload whose folders are classes; new classes get `split`."""

    upload = WaitingUploadField()
    split = serializers.ChoiceField(
        choices=SPLITS, default="", allow_blank=True, help_text="Split of new classes: train, or test (held out)."
    )
