"""Forms of a model from outside, and of an index."""

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
        queryset=Dataset.objects.none(), label="Data set", help_text="Whose pictures it embeds and is measured on."
    )
    name = forms.CharField(
        required=False, max_length=160, help_text="Under which it is listed; else what its files say."
    )
    weights = forms.FileField(required=False, help_text="<code>.onnx</code> or <code>.safetensors</code>")
    description = forms.FileField(
        required=False,
        help_text="Its <code>.json</code>: mean, std, and for ONNX short_side and crop, for safetensors architecture.",
    )
    embeddings = forms.FileField(
        required=False, help_text="<code>.npy</code>, an array [N, D], a row for every picture of the data set."
    )
    images = forms.FileField(
        required=False,
        label="List of pictures",
        help_text="<code>.csv</code> whose column path or sha256 says whose each row is.",
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["dataset"].queryset = visible_datasets(user).filter(revision__gt=0)  # type: ignore[attr-defined]

    def first(self) -> list[forms.BoundField]:
        """Return the fields that both ways need."""
        return [self["dataset"], self["name"]]

    def pairs(self) -> list[tuple[str, list[forms.BoundField]]]:
        """Return the two ways to bring a model, each with its two files."""
        return [(title, [self[name] for name in names]) for title, names in PAIRS.items()]


class IndexForm(forms.Form):
    """The model that is to search a data set."""

    model = forms.ModelChoiceField(queryset=Model.objects.none(), empty_label=None)

    def __init__(self, *args: Any, models: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["model"].queryset = models  # type: ignore[attr-defined]
        self.fields["model"].label_from_instance = lambda row: f"{row.name}, of {row.dataset.name}"  # type: ignore[attr-defined]
