"""Forms about new data sets."""

from typing import Any

from django import forms
from django.template.defaultfilters import filesizeformat

from retrieval.datasets.services.sources import archive_formats, suggested_name
from retrieval.datasets.services.uploads import visible_uploads
from retrieval.models import Upload

NAME_LENGTH = 80
PREVIEW, IMPORT, DELETE = "preview", "import", "delete"
"""What the buttons of the forms ask for, in their field `action`."""


class AboutForm(forms.Form):
    """What is stored with a new data set. Its name is needed by the import alone."""

    name = forms.CharField(max_length=NAME_LENGTH)
    licence = forms.CharField(
        required=False, max_length=300, help_text="Licence of the pictures, such as CC BY 4.0; shown with each of them."
    )
    attribution = forms.CharField(
        required=False, max_length=300, help_text="Photographers, museum or paper to credit; shown with every picture."
    )
    unlabelled = forms.BooleanField(
        required=False,
        label="Without labels",
        help_text="Ignore folder names. The data set can be searched but not used for training or evaluation.",
    )
    public = forms.BooleanField(
        required=False,
        label="Public",
        help_text="Visitors who have not signed in see its pictures (default: members only).",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.action = self.data.get("action", IMPORT)
        self.fields["name"].required = not self.is_bound or self.action == IMPORT

    def clean(self) -> dict[str, Any]:
        """Say what `labelled` is."""
        values = super().clean() or {}
        values["labelled"] = not values.pop("unlabelled", False)
        return values

    def about(self) -> dict[str, Any]:
        """Return what is stored with the data set."""
        return {name: self.cleaned_data[name] for name in ("name", "licence", "attribution", "public")}


class UploadField(forms.ModelChoiceField):  # type: ignore[type-arg]  # not subscriptable at run time
    """An upload that no job has used yet."""

    def label_from_instance(self, obj: Upload) -> str:
        """Tell uploads apart by their date and size."""
        files = "1 file" if obj.files == 1 else f"{obj.files:,} files"
        return f"{obj.created_at:%-d %B, %H:%M}: {files}, {filesizeformat(obj.bytes)}"


class ImportForm(AboutForm):
    """A new data set: an archive, an upload, a server path, or drawn butterflies."""

    archive = forms.FileField(required=False, help_text=f"Archive with one folder per class: {archive_formats()}.")
    upload = UploadField(
        queryset=Upload.objects.none(),
        required=False,
        label="Upload sent before",
        help_text="Archive of an earlier preview, or pictures sent by the API.",
    )
    source = forms.CharField(
        required=False,
        max_length=400,
        label="Server path",
        help_text="Path below an import folder, or wings:species=60,per_class=24,size=128,seed=0 (built-in set).",
    )
    field_order = ("name", "archive", "upload", "source")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        uploads = visible_uploads().filter(files__gt=0)
        if uploads.exists():
            self.fields["upload"].queryset = uploads  # type: ignore[attr-defined]  # of a ModelChoiceField
        else:
            del self.fields["upload"]

    def clean(self) -> dict[str, Any]:
        """Require exactly one source."""
        values = super().clean()
        given = [name for name in ("archive", "upload", "source") if values.get(name)]
        if len(given) != 1 and not self.errors:
            raise forms.ValidationError("Give either an archive or a server path, not both or none.")
        return values

    def origin(self) -> dict[str, Any]:
        """Return the one source."""
        return {name: value for name in ("archive", "upload", "source") if (value := self.cleaned_data.get(name))}

    def about(self) -> dict[str, Any]:
        """Return what is stored with the data set, with a name made of the source's where none is given."""
        values = super().about()
        archive = self.cleaned_data["archive"]
        suggested = suggested_name(archive.name if archive else "", self.cleaned_data["source"])
        return {**values, "name": values["name"] or suggested[:NAME_LENGTH]}
