"""Forms by which curators change a data set."""

from typing import Any

from django import forms

from retrieval.datasets.services.classes import HALVES, NAME_LENGTH
from retrieval.models import Dataset

MOST_SUGGESTIONS = 2000  # class names in a page; beyond, they are typed


class ClassField(forms.CharField):
    """A class by its name, suggested while typing."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.TextInput(attrs={"list": "class-names", "autocomplete": "off"})
        super().__init__(max_length=NAME_LENGTH, widget=widget, **kwargs)


class HalfField(forms.ChoiceField):
    """Whether a new class is trained on or held out."""

    def __init__(self) -> None:
        super().__init__(
            choices=[
                ("", "for an existing class, as it is"),
                *((key, f"a new class, {text}") for key, text in HALVES.items()),
            ],
            required=False,
            label="The class is",
        )


class PicturesForm(forms.Form):
    """What to do with the pictures that were chosen on the page."""

    ACTIONS = (("hide", "Hide"), ("show", "Show"), ("move", "Move"))

    image = forms.TypedMultipleChoiceField(coerce=int, required=False)
    action = forms.ChoiceField(choices=ACTIONS)
    name = ClassField(required=False, label="Class")
    half = HalfField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["image"].valid_value = lambda value: str(value).isdecimal() and len(str(value)) < 19  # type: ignore[attr-defined]


class RenameForm(forms.Form):
    """Another name for a class."""

    name = forms.CharField(max_length=NAME_LENGTH, label="New name")


class MergeForm(forms.Form):
    """The class that takes in another's pictures."""

    into = ClassField(label="Merge into")


class DescribeForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """What is shown with every picture."""

    class Meta:
        model = Dataset
        fields = ("licence", "attribution")
        help_texts = {  # noqa: RUF012
            "licence": "Under which licence the pictures are, as in CC BY 4.0.",
            "attribution": "Whom to name: the photographers, the museum, the paper.",
        }
