"""The forms of a search: its picture, and the terms on which it is asked."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from config.keys import MOST_DIGITS
from retrieval.models import Dataset, Image, Model, Search
from retrieval.search.services.options import Terms, terms_of

SIDES = ("left", "top", "right", "bottom")
WHOLE = (0.0, 0.0, 100.0, 100.0)


class RowsField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # takes none when it runs
    """Rows by their keys."""

    def clean(self, value: Any) -> Any:
        for key in value or ():
            if len(str(key)) > MOST_DIGITS:
                params = {"value": str(key)[:MOST_DIGITS]}
                raise forms.ValidationError(self.error_messages["invalid_choice"], code="invalid_choice", params=params)
        return super().clean(value)


class ClassesField(forms.Field):
    """Classes as `data set:label`, both keys."""

    widget = forms.MultipleHiddenInput

    def clean(self, value: Any) -> tuple[tuple[int, int], ...]:
        pairs = []
        for text in value or ():
            parts = str(text).split(":")
            if len(parts) != 2 or not all(part.isdecimal() and len(part) < MOST_DIGITS for part in parts):
                raise forms.ValidationError(f"{str(text)[:40]} is no class; choose one of the list.")
            pairs.append((int(parts[0]), int(parts[1])))
        return tuple(dict.fromkeys(pairs))


def _side(name: str) -> forms.FloatField:
    return forms.FloatField(label=f"{name.title()} %", min_value=0, max_value=100, required=False)


class TermsForm(forms.Form):
    """Where to look, whom to ask, for how many answers, and which."""

    datasets = RowsField(queryset=Dataset.objects.none(), label="Data sets", widget=forms.CheckboxSelectMultiple)
    models = RowsField(queryset=Model.objects.none(), widget=forms.CheckboxSelectMultiple, required=False)
    k = forms.IntegerField(
        label="Answers",
        min_value=1,
        max_value=settings.MOST_ANSWERS,
        required=False,
        help_text="From each model; 12 if left empty.",
    )
    threshold = forms.FloatField(label="Lowest similarity", min_value=-1, max_value=1, required=False)
    splits = forms.MultipleChoiceField(
        choices=Image.Split.choices, required=False, widget=forms.CheckboxSelectMultiple, label="Parts of the data set"
    )
    classes = ClassesField(required=False)
    left, top, right, bottom = (_side(name) for name in SIDES)

    def __init__(self, *args: Any, datasets: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["datasets"].queryset = datasets  # type: ignore[attr-defined]
        self.fields["models"].queryset = Model.objects.filter(published=True)  # type: ignore[attr-defined]

    def terms(self, more: Iterable[int] = (), less: Iterable[int] = ()) -> Terms:
        """Return the terms of a valid form; classes of sets that are not searched fall away.

        Raises:
            Rejected: the box is none.
        """
        values = self.cleaned_data
        given = [values[side] for side in SIDES]
        sides = [whole if side is None else side for side, whole in zip(given, WHOLE, strict=True)]
        searched = {dataset.pk for dataset in values["datasets"]}
        return Terms(
            box=None if tuple(sides) == WHOLE else tuple(side / 100 for side in sides),
            threshold=values["threshold"],
            splits=tuple(values["splits"]),
            classes=tuple(pair for pair in values["classes"] if pair[0] in searched),
            more=tuple(more),
            less=tuple(less),
        )


class SearchForm(TermsForm):
    """A new search. The picture is a gallery picture, an earlier search's, a file, or at a web address.

    They are taken in this order: the gallery's button was pressed, while a file may still lie in the form.
    """

    picture = forms.FileField(required=False, label="Your picture")
    image = forms.IntegerField(required=False, widget=forms.HiddenInput)
    like = forms.UUIDField(required=False, widget=forms.HiddenInput)
    address = forms.URLField(required=False, label="Or a web address", max_length=2000, assume_scheme="https")

    def __init__(self, *args: Any, searches: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.searches = searches

    def clean_picture(self) -> "UploadedFile[bytes] | None":
        """Refuse a file too large to be read, before it is read."""
        picture: UploadedFile[bytes] | None = self.cleaned_data["picture"]
        if picture and picture.size and picture.size > settings.PICTURE_MAX_BYTES:
            most = settings.PICTURE_MAX_BYTES // 2**20
            raise forms.ValidationError(f"The picture has {picture.size / 2**20:.0f} MB; at most {most} MB are read.")
        return picture

    def clean_image(self) -> Image | None:
        """Find the gallery picture, which may lie in any set that this person sees."""
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
            raise forms.ValidationError("That search is gone; choose another picture.")
        return search

    def clean(self) -> dict[str, Any]:
        """Ask for a picture."""
        values: dict[str, Any] = super().clean() or {}
        if not self.errors and not any(values[way] for way in ("image", "like", "picture", "address")):
            raise forms.ValidationError(
                "Choose a picture first: a file of your own, one at a web address, or one of the gallery."
            )
        return values


class RefineForm(TermsForm):
    """An earlier search, asked again on other terms; `keep_moved` keeps what moved its query."""

    keep_moved = forms.BooleanField(required=False)


def initial_of(search: Search) -> dict[str, Any]:
    """Return what a form shows of a search."""
    terms = terms_of(search)
    sides = zip(SIDES, terms.box, strict=True) if terms.box else ()
    return {
        "datasets": [dataset.pk for dataset in search.datasets.all()],
        "models": list(dict.fromkeys(search.rankings.order_by("pk").values_list("model", flat=True))),
        "k": search.k,
        "threshold": terms.threshold,
        "splits": terms.splits,
        "classes": [f"{dataset}:{label}" for dataset, label in terms.classes],
        "keep_moved": bool(terms.more or terms.less),
        **{side: round(100 * share, 2) for side, share in sides},
    }


class MarkForm(forms.Form):
    """A picture and a value; the service knows which values there are."""

    image = forms.IntegerField()
    value = forms.IntegerField()
