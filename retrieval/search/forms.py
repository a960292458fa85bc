"""The forms of a search: its picture and its options."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from config.errors import ServiceError
from retrieval.models import Dataset, Image, Model, Search
from retrieval.search.services.batches import MOST_SEARCHES
from retrieval.search.services.options import SearchOptions, options_of
from retrieval.search.services.query_image import Unreadable

SIDES = ("left", "top", "right", "bottom")
WHOLE = (0.0, 0.0, 100.0, 100.0)
ERROR_FIELDS = {"k": "k", "threshold": "threshold", "box": "left", "filters": "classes", "url": "url"}
"""The field beside which a service's error is shown, by the field that the error names."""


def named_error(error: ServiceError, name: str) -> str:
    """Return what a service says of a picture, with the name of its file in place of "the file"."""
    text = str(error)
    return f"{name} {text.removeprefix('the file ')}" if text.startswith("the file ") else f"{name}: {text}"


class RowsField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # takes none when it runs
    """Rows by their keys."""

    def clean(self, value: Any) -> Any:
        for key in value or ():
            if len(str(key)) > settings.KEY_MAX_DIGITS:
                params = {"value": str(key)[: settings.KEY_MAX_DIGITS]}
                raise forms.ValidationError(self.error_messages["invalid_choice"], code="invalid_choice", params=params)
        return super().clean(value)


class ClassesField(forms.Field):
    """Classes as `data set:label`, both keys."""

    widget = forms.MultipleHiddenInput

    def clean(self, value: Any) -> tuple[tuple[int, int], ...]:
        pairs = []
        for text in value or ():
            parts = str(text).split(":")
            if len(parts) != 2 or not all(part.isdecimal() and len(part) < settings.KEY_MAX_DIGITS for part in parts):
                raise forms.ValidationError(f"{str(text)[:40]} is not a class; choose one of the list.")
            pairs.append((int(parts[0]), int(parts[1])))
        return tuple(dict.fromkeys(pairs))


def _side(name: str) -> forms.FloatField:
    return forms.FloatField(label=f"{name.title()} %", min_value=0, max_value=100, required=False)


class OptionsForm(forms.Form):
    """The data sets, models and options of a search."""

    datasets = RowsField(queryset=Dataset.objects.none(), label="Data sets", widget=forms.CheckboxSelectMultiple)
    models = RowsField(queryset=Model.objects.none(), widget=forms.CheckboxSelectMultiple, required=False)
    all_models = forms.BooleanField(required=False)
    k = forms.IntegerField(
        label="Results per model",
        min_value=1,
        max_value=settings.MOST_ANSWERS,
        required=False,
        help_text="Number of results per model (default 12).",
    )
    threshold = forms.FloatField(label="Minimum similarity", min_value=-1, max_value=1, required=False)
    splits = forms.MultipleChoiceField(
        choices=Image.Split.choices, required=False, widget=forms.CheckboxSelectMultiple, label="Splits"
    )
    classes = ClassesField(required=False)
    left, top, right, bottom = (_side(name) for name in SIDES)

    def __init__(self, *args: Any, datasets: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["datasets"].queryset = datasets  # type: ignore[attr-defined]
        self.fields["models"].queryset = Model.objects.filter(published=True)  # type: ignore[attr-defined]

    def options(self, more_like: Iterable[int] = (), less_like: Iterable[int] = ()) -> SearchOptions:
        """Return the options of a valid form; classes of data sets that are not searched are dropped.

        Raises:
            Rejected: the box is out of range.
        """
        values = self.cleaned_data
        given = [values[side] for side in SIDES]
        sides = [whole if side is None else side for side, whole in zip(given, WHOLE, strict=True)]
        searched = {dataset.pk for dataset in values["datasets"]}
        return SearchOptions(
            box=None if tuple(sides) == WHOLE else tuple(side / 100 for side in sides),
            threshold=values["threshold"],
            splits=tuple(values["splits"]),
            classes=tuple(pair for pair in values["classes"] if pair[0] in searched),
            more_like=tuple(more_like),
            less_like=tuple(less_like),
        )


class SearchForm(OptionsForm):
    """A new search with a picture of a data set, of an earlier search, a file, or at a URL.

    They count in this order: the button of a picture was pressed, while a file may still be in the form.
    """

    picture = forms.FileField(required=False, label="Your picture")
    image = forms.IntegerField(required=False, widget=forms.HiddenInput)
    like = forms.UUIDField(required=False, widget=forms.HiddenInput)
    url = forms.URLField(required=False, label="Or a link to a picture", max_length=2000, assume_scheme="https")

    def __init__(self, *args: Any, searches: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.searches = searches

    def pictures(self) -> "list[UploadedFile[bytes]]":
        """Return the files of a valid form that are searched with: none where another picture counts first."""
        values = self.cleaned_data
        if values["image"] or values["like"]:
            return []
        return [file for file in self.files.getlist("picture") if file]

    def add_service_error(self, error: ServiceError) -> None:
        """Say what a service refused, beside the field that caused it."""
        text = str(error)[:1].upper() + str(error)[1:]
        field = ERROR_FIELDS.get(getattr(error, "field", ""))
        if isinstance(error, Unreadable):
            field, file = ("picture", self.cleaned_data["picture"]) if self.cleaned_data["picture"] else ("url", None)
            text = named_error(error, file.name if file else self.cleaned_data["url"])
        self.add_error(field, text)

    def clean_picture(self) -> "UploadedFile[bytes] | None":
        """Refuse files that are too large, and too many, before they are read."""
        picture: UploadedFile[bytes] | None = self.cleaned_data["picture"]
        files = self.files.getlist("picture")
        if len(files) > MOST_SEARCHES:
            raise forms.ValidationError(f"{len(files)} pictures are selected; the limit is {MOST_SEARCHES} at once.")
        most = settings.PICTURE_MAX_BYTES
        sizes = [(file.name, file.size or 0) for file in files]
        large = [f"{name} has {size / 2**20:.1f} MB" for name, size in sizes if size > most]
        if large:
            raise forms.ValidationError(f"{', '.join(large)}; the limit is {most // 2**20} MB.")
        return picture

    def clean_image(self) -> Image | None:
        """Find the picture, which may be of any data set that this person sees."""
        chosen = self.cleaned_data["image"]
        if chosen is None:
            return None
        seen = self.fields["datasets"].queryset  # type: ignore[attr-defined]
        pictures = Image.objects.filter(dataset__in=seen, hidden=False).select_related("dataset")
        image = pictures.filter(pk=chosen).first()
        if image is None:
            raise forms.ValidationError(f"There is no picture {chosen}; choose another.")
        return image

    def clean_like(self) -> Search | None:
        """Find the earlier search among one's own."""
        chosen = self.cleaned_data["like"]
        if chosen is None:
            return None
        search: Search | None = self.searches.filter(pk=chosen).first()
        if search is None:
            raise forms.ValidationError("That search was deleted; choose another picture.")
        return search

    def clean(self) -> dict[str, Any]:
        """Check that there is a picture."""
        values: dict[str, Any] = super().clean() or {}
        if not self.errors and not any(values[way] for way in ("image", "like", "picture", "url")):
            raise forms.ValidationError("No picture chosen: select a file, enter a link, or click a picture below.")
        return values


class RefineForm(OptionsForm):
    """An earlier search with other options; `keep_refined` keeps its more_like and less_like."""

    keep_refined = forms.BooleanField(required=False)


def initial_of(search: Search) -> dict[str, object]:
    """Return the values of a form for a stored search."""
    options = options_of(search)
    sides = zip(SIDES, options.box, strict=True) if options.box else ()
    return {
        "datasets": [dataset.pk for dataset in search.datasets.all()],
        "models": list(dict.fromkeys(search.rankings.order_by("pk").values_list("model", flat=True))),
        "k": search.k,
        "threshold": options.threshold,
        "splits": options.splits,
        "classes": [f"{dataset}:{label}" for dataset, label in options.classes],
        "keep_refined": bool(options.more_like or options.less_like),
        **{side: round(100 * share, 2) for side, share in sides},
    }


class MarkForm(forms.Form):
    """A picture and a value; the service knows which values there are."""

    image = forms.IntegerField()
    value = forms.IntegerField()


class RestoredMarkForm(MarkForm):
    """A mark that was removed, and when it was given."""

    rated_at = forms.DateTimeField()
