"""Forms by which curators change a data set."""

from typing import Any

from django import forms

from retrieval.datasets.services.classes import NAME_LENGTH, SPLITS
from retrieval.datasets.services.sources import archive_formats
from retrieval.models import Dataset

MOST_SUGGESTIONS = 2000  # class names in a page; beyond, they are typed


class ClassField(forms.CharField):
    """A class by its name, suggested while typing."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.TextInput(attrs={"list": "class-names", "autocomplete": "off"})
        super().__init__(max_length=NAME_LENGTH, widget=widget, **kwargs)


class SplitField(forms.ChoiceField):
    """The split of a new class, or that the class exists."""

    CHOICES = (("", "Existing class"), (SPLITS[0], "New training class"), (SPLITS[1], "New held-out class"))

    def __init__(self) -> None:
        super().__init__(choices=self.CHOICES, required=False, label="Class type")


class FilesInput(forms.ClearableFileInput):
    """A file input that takes several."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files; a list of them."""

    widget = FilesInput

    def clean(self, data: Any, initial: Any = None) -> Any:
        """Check each as one."""
        files = data if isinstance(data, list | tuple) else [data]
        return [file for file in (super(FilesField, self).clean(one, initial) for one in files) if file]


class PicturesForm(forms.Form):
    """An action on the pictures that were selected on the page."""

    ACTIONS = (("hide", "Hide"), ("show", "Unhide"), ("move", "Move"))

    image = forms.TypedMultipleChoiceField(coerce=int, required=False)
    action = forms.ChoiceField(choices=ACTIONS)
    name = ClassField(required=False, label="Class")
    split = SplitField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["image"].valid_value = lambda value: str(value).isdecimal() and len(str(value)) < 19  # type: ignore[attr-defined]


class RenameForm(forms.Form):
    """Another name for a class."""

    name = forms.CharField(max_length=NAME_LENGTH, label="New name")


class MergeForm(forms.Form):
    """The class that takes in another's pictures."""

    into = ClassField(label="Merge into")


class AddForm(forms.Form):
    """Pictures for a class."""

    files = FilesField(  # type: ignore[assignment]  # the metaclass takes it away, so BaseForm.files stays
        label="Pictures",
        help_text="Up to 100 pictures, or one archive with any number of them; folder names are ignored. "
        f"Archives: {archive_formats()}.",
    )
    name = ClassField(label="Class")
    split = SplitField()


class ReimportForm(forms.Form):
    """The source of another import."""

    archive = forms.FileField(
        required=False, help_text=f"Archive in the layout of the first import: {archive_formats()}."
    )
    source = forms.CharField(
        required=False,
        max_length=400,
        label="Server path",
        help_text="Path on the server (default: the source of the last import).",
    )
    dry_run = forms.BooleanField(
        required=False, label="Dry run", help_text="Only report what would change.", initial=True
    )

    def clean(self) -> dict[str, object]:
        """Require at most one of archive and server path."""
        values: dict[str, object] = super().clean() or {}
        if values.get("archive") and values.get("source"):
            raise forms.ValidationError("Give either an archive or a server path, not both.")
        return values


class DescribeForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """Licence and attribution of a data set."""

    class Meta:
        model = Dataset
        fields = ("licence", "attribution")
        help_texts = {  # noqa: RUF012
            "licence": "Licence of the pictures, such as CC BY 4.0; shown with each of them.",
            "attribution": "Photographers, museum or paper to credit; shown with every picture.",
        }
