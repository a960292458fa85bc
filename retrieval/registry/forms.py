"""Forms that import an external model, build an index, and accept suggested labels."""

from typing import Any

from django import forms

from retrieval.datasets.services.visibility import visible_datasets
from retrieval.models import Dataset, Model

PAIRS = {
    "A network": ("weights", "description"),
    "Or embeddings": ("embeddings", "images"),
}


class ModelForm(forms.Form):
    """A network with its description, or embeddings with their list of pictures."""

    dataset = forms.ModelChoiceField(
        queryset=Dataset.objects.none(),
        label="Data set",
        help_text="Data set that the model embeds and is evaluated on.",
    )
    name = forms.CharField(required=False, max_length=160, help_text="Name in lists; default: the name in its files.")
    weights = forms.FileField(required=False, help_text="Network, <code>.onnx</code> or <code>.safetensors</code>.")
    description = forms.FileField(
        required=False,
        help_text="<code>.json</code> of the weights: mean, std, and short_side and crop (ONNX) or architecture "
        "(safetensors).",
    )
    embeddings = forms.FileField(
        required=False, help_text="<code>.npy</code> array [N, D], one row for each picture of the data set."
    )
    images = forms.FileField(
        required=False,
        label="List of pictures",
        help_text="<code>.csv</code> with a <code>path</code> or <code>sha256</code> column that matches each row to "
        "a picture.",
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["dataset"].queryset = visible_datasets(user).filter(revision__gt=0)  # type: ignore[attr-defined]

    def first(self) -> list[forms.BoundField]:
        """Return the fields that both ways need."""
        return [self["dataset"], self["name"]]

    def pairs(self) -> list[tuple[str, list[forms.BoundField]]]:
        """Return the two ways to import a model, each with its two files."""
        return [(title, [self[name] for name in names]) for title, names in PAIRS.items()]


class IndexForm(forms.Form):
    """The model that will search a data set."""

    model = forms.ModelChoiceField(queryset=Model.objects.none(), empty_label=None)

    def __init__(self, *args: Any, models: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["model"].queryset = models  # type: ignore[attr-defined]
        self.fields["model"].label_from_instance = lambda row: f"{row.name}, of {row.dataset.name}"  # type: ignore[attr-defined]


class SuggestionsForm(forms.Form):
    """Pictures that were selected to be moved to the classes that are suggested for them."""

    image = forms.TypedMultipleChoiceField(
        coerce=int, error_messages={"required": "No picture is selected; select at least one."}
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["image"].valid_value = lambda value: str(value).isdecimal() and len(str(value)) < 19  # type: ignore[attr-defined]
