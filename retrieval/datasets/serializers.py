"""Serializers of data sets and their classes."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from config.api.strict import StrictSerializer
from retrieval.datasets.api.uploads import WaitingUploadField
from retrieval.datasets.layout_serializer import LayoutSerializer
from retrieval.datasets.services.classes import NAME_LENGTH
from retrieval.datasets.services.sources import archive_formats
from retrieval.models import Dataset

DATASET = {
    "id": 1,
    "name": "Wings",
    "slug": "wings",
    "licence": "CC BY 4.0",
    "attribution": "Museum of Natural History",
    "labelled": True,
    "layout": {"level": 2},
    "public": True,
    "classes": ["Adonis", "Brimstone", "Comma", "Grayling"],
    "revision": 1,
    "fingerprint": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "report": {"images": 96, "train_images": 48, "test_images": 48, "train_classes": 2, "test_classes": 2},
    "job": 12,
    "created_at": "2026-05-04T09:30:00Z",
}


@extend_schema_serializer(examples=[OpenApiExample("A data set", DATASET)])
class DatasetSerializer(serializers.ModelSerializer[Dataset]):
    """A data set. The label of a picture is an index into `classes`."""

    classes: Any = serializers.ListField(child=serializers.CharField(), read_only=True, source="class_names")
    layout: Any = serializers.DictField(
        read_only=True, help_text="Choices about the layout of the source, as `POST /datasets/` takes them."
    )
    report: Any = serializers.DictField(read_only=True, source="import_report")

    class Meta:
        model = Dataset
        fields = (
            "id", "name", "slug", "licence", "attribution", "labelled", "layout", "public", "classes",
            "revision", "fingerprint", "report", "job", "created_at",
        )  # fmt: skip
        read_only_fields = fields


class Origin(StrictSerializer):
    """The source of pictures: exactly one of `origins`, or none where a source is known."""

    # The metaclass takes declared fields away, so this does not hide Field.source.
    source = serializers.CharField(  # type: ignore[assignment]
        max_length=400,
        default="",
        allow_blank=True,
        help_text="Server path below the import folders, or wings:species=60,... (built-in set).",
    )
    archive = serializers.FileField(
        default=None, help_text=f"Archive with one folder per class, as multipart: {archive_formats()}."
    )
    upload = WaitingUploadField(default=None, help_text="Id of an upload of /uploads/.")

    origins = ("source", "archive", "upload")
    must_name_one = True

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Require one source."""
        given = [name for name in self.origins if attrs[name]]
        if len(given) > 1 or (self.must_name_one and not given):
            raise serializers.ValidationError(f"give one of {', '.join(self.origins[:-1])} and {self.origins[-1]}")
        return attrs


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A folder on the server",
            {"name": "Birds", "source": "/srv/imports/birds", "licence": "CC BY 4.0", "attribution": "Ada"},
        )
    ]
)
class NewDataset(Origin):
    """A new data set, from exactly one source."""

    name = serializers.CharField(max_length=80)
    layout = LayoutSerializer(default=None)
    licence = serializers.CharField(max_length=300, default="", allow_blank=True)
    attribution = serializers.CharField(max_length=300, default="", allow_blank=True)
    labelled = serializers.BooleanField(default=True, help_text="Whether folder names are classes (default true).")
    public = serializers.BooleanField(
        default=False, help_text="Whether visitors who are not signed in see it (default false)."
    )


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A folder on the server, with its classes two levels down",
            {"source": "/srv/imports/birds", "layout": {"level": 2, "class_names": {"erithacus": "Robin"}}},
        )
    ]
)
class NewPreview(Origin):
    """A source to preview: exactly one."""

    labelled = serializers.BooleanField(default=True, help_text="Whether folder names are classes (default true).")
    layout = LayoutSerializer(default=None)


@extend_schema_serializer(examples=[OpenApiExample("A dry run of the first source", {"dry_run": True})])
class Reimport(Origin):
    """The source of another import; without one, that of the last import, and so for the layout."""

    must_name_one = False

    layout = LayoutSerializer(default=None)
    dry_run = serializers.BooleanField(
        default=False, help_text="Whether to only report what would change (default false)."
    )


@extend_schema_serializer(examples=[OpenApiExample("Licence and visibility", {"licence": "CC0", "public": True})])
class DatasetChanges(StrictSerializer):
    """Fields of a data set to change."""

    licence = serializers.CharField(max_length=300, required=False, allow_blank=True)
    attribution = serializers.CharField(max_length=300, required=False, allow_blank=True)
    public = serializers.BooleanField(required=False)


CLASS = {"label": 0, "name": "Adonis", "images": 24, "held_out": 0, "sample": 7}


@extend_schema_serializer(examples=[OpenApiExample("A class", CLASS)])
class ClassSerializer(serializers.Serializer[Any]):
    """A class with visible pictures; `held_out` of them are held out, `sample` is the id of one."""

    # The metaclass takes declared fields away, so this does not hide Field.label.
    label = serializers.IntegerField(read_only=True)  # type: ignore[assignment]
    name = serializers.CharField(read_only=True)
    images = serializers.IntegerField(read_only=True)
    held_out = serializers.IntegerField(read_only=True)
    sample = serializers.IntegerField(read_only=True)


@extend_schema_serializer(many=False, examples=[OpenApiExample("The classes", {"results": [CLASS]})])
class ClassesSerializer(serializers.Serializer[Any]):
    """Every class of a data set, by label."""

    results = ClassSerializer(many=True, read_only=True)


@extend_schema_serializer(examples=[OpenApiExample("Another name", {"name": "Adonis blue"})])
class ClassChanges(StrictSerializer):
    """Fields of a class to change."""

    name = serializers.CharField(max_length=NAME_LENGTH)


@extend_schema_serializer(examples=[OpenApiExample("Into another", {"into": "Brimstone"})])
class Merge(StrictSerializer):
    """The class, by name, that another class is merged into."""

    into = serializers.CharField(max_length=NAME_LENGTH)


@extend_schema_serializer(examples=[OpenApiExample("Three pictures", {"changed": 3})])
class ChangedSerializer(serializers.Serializer[Any]):
    """How many pictures changed."""

    changed = serializers.IntegerField(read_only=True)
