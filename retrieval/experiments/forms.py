"""The form of a new experiment."""

from typing import Any

from django import forms

from retrieval.datasets.services import visible_datasets
from retrieval.experiments import services
from retrieval.models import Dataset

MOST_SEEDS = 20


class ExperimentForm(forms.Form):
    """One protocol, several losses, several seeds."""

    name = forms.CharField(max_length=120)
    dataset = forms.ModelChoiceField(queryset=Dataset.objects.none(), label="Data set")
    preset = forms.ChoiceField(label="Protocol")
    losses = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple)
    seeds = forms.CharField(initial="0", help_text="Whole numbers with spaces between; a run for each.")
    weights = forms.ChoiceField(
        required=False, help_text="A local file to start from; else the protocol's own weights are fetched."
    )
    publish = forms.BooleanField(
        required=False, initial=True, help_text="Models appear in search as soon as their index is built."
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields = self.fields
        fields["dataset"].queryset = visible_datasets(user).filter(revision__gt=0)  # type: ignore[attr-defined]
        fields["preset"].choices = [(row["name"], row["name"]) for row in services.presets()]  # type: ignore[attr-defined]
        fields["losses"].choices = list(services.loss_titles().items())  # type: ignore[attr-defined]
        fields["losses"].initial = services.baselines()  # rows of every honest table, and cheap
        fields["weights"].choices = [("", "the protocol's own"), *((name, name) for name in services.weights_files())]  # type: ignore[attr-defined]

    def clean_seeds(self) -> list[int]:
        """Return the seeds as numbers."""
        words = self.cleaned_data["seeds"].replace(",", " ").split()
        if not words or len(words) > MOST_SEEDS or not all(word.isdecimal() and len(word) < 10 for word in words):
            raise forms.ValidationError(f"Give 1 to {MOST_SEEDS} whole numbers, such as: 0 1 2")
        return sorted({int(word) for word in words})
