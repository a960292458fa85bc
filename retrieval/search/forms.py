"""The form of a search."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from retrieval.models import Dataset, Image, Model

MOST_DIGITS = 18  # of a key: a longer number is no key, and databases choke on it


class RowsField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # takes none when it runs
    """Rows by their keys."""

    def clean(self, value: Any) -> Any:
        for key in value or ():
            if len(str(key)) > MOST_DIGITS:
                params = {"value": str(key)[:MOST_DIGITS]}
                raise forms.ValidationError(self.error_messages["invalid_choice"], code="invalid_choice", params=params)
        return super().clean(value)


class SearchForm(forms.Form):
    """A picture, where to look, whom to ask and for how many answers.

    The gallery picture wins over the file: its button was pressed, while the file may still lie there.
    """

    picture = forms.FileField(required=False, label="Your picture")
    image = forms.IntegerField(required=False, widget=forms.HiddenInput)
    datasets = RowsField(queryset=Dataset.objects.none(), label="Data sets", widget=forms.CheckboxSelectMultiple)
    models = RowsField(queryset=Model.objects.none(), widget=forms.CheckboxSelectMultiple, required=False)
    k = forms.IntegerField(
        label="Answers",
        min_value=1,
        max_value=settings.MOST_ANSWERS,
        required=False,
        help_text="From each model; 12 if left empty.",
    )

    def __init__(self, *args: Any, datasets: Any, models: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["datasets"].queryset = datasets  # type: ignore[attr-defined]
        self.fields["models"].queryset = models  # type: ignore[attr-defined]

    def clean_picture(self) -> "UploadedFile[bytes] | None":
        """Refuse a file too large to be read, before it is read."""
        picture: UploadedFile[bytes] | None = self.cleaned_data["picture"]
        if picture and picture.size and picture.size > settings.PICTURE_MAX_BYTES:
            most = settings.PICTURE_MAX_BYTES // 2**20
            raise forms.ValidationError(f"The picture has {picture.size / 2**20:.0f} MB; at most {most} MB are read.")
        return picture

    def clean(self) -> dict[str, Any]:
        """Find the gallery picture, which may lie in any set that this person sees."""
        values: dict[str, Any] = super().clean() or {}
        chosen = values.pop("image", None)
        values["image"] = None
        if chosen is not None:
            seen = self.fields["datasets"].queryset  # type: ignore[attr-defined]
            pictures = Image.objects.filter(dataset__in=seen, hidden=False).select_related("dataset")
            values["image"] = pictures.filter(pk=chosen).first()
            if values["image"] is None:
                raise forms.ValidationError(f"There is no picture {chosen}; choose another.")
        if values["image"] is None and not values.get("picture") and not self.errors:
            raise forms.ValidationError("Choose a picture first: a file of your own, or one of the gallery.")
        return values
