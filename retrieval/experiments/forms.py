"""The form of a new experiment."""

from typing import Any

from django import forms

from retrieval.datasets.services.visibility import visible_datasets
from retrieval.experiments.services import choosing, starting
from retrieval.models import Dataset
from retrieval.registry.services.loss_titles import loss_titles

MOST_SEEDS = 20
ADVANCED = ("trials", "validation_classes", "changes", "params")


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
    trials = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=starting.MOST_TRIALS,
        initial=0,
        label="Trials of each loss",
        help_text="0 tunes nothing. Each trial is a training; its parameters are searched, the tuned runs come beside.",
    )
    validation_classes = forms.IntegerField(
        required=False,
        min_value=0,
        initial=0,
        label="Validation classes",
        help_text="Training classes held out to measure trials on; 0 where the protocol has folds.",
    )
    changes = forms.CharField(
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        label="Changes to the protocol",
        help_text="A line each, such as <code>epochs=30</code>; the fields are those of the presets.",
    )
    params = forms.CharField(
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        label="Parameters of losses",
        help_text="A line each, such as <code>soft_triple.gamma=0.2</code>; the rest are as the papers have them.",
    )
    publish = forms.BooleanField(
        required=False, initial=True, help_text="Models appear in search as soon as their index is built."
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields = self.fields
        fields["dataset"].queryset = visible_datasets(user).filter(revision__gt=0, labelled=True)  # type: ignore[attr-defined]
        fields["preset"].choices = [(row["name"], row["name"]) for row in choosing.presets()]  # type: ignore[attr-defined]
        fields["losses"].choices = list(loss_titles().items())  # type: ignore[attr-defined]
        fields["losses"].initial = choosing.baselines()  # rows of every honest table, and cheap
        fields["weights"].choices = [("", "the protocol's own"), *((name, name) for name in choosing.weights_files())]  # type: ignore[attr-defined]

    def clean_trials(self) -> int:
        """Return 0 for an empty field."""
        return self.cleaned_data["trials"] or 0

    def clean_validation_classes(self) -> int:
        """Return 0 for an empty field."""
        return self.cleaned_data["validation_classes"] or 0

    def clean_changes(self) -> dict[str, str]:
        """Return field and value of each line."""
        return _pairs(self.cleaned_data["changes"], "Give each field once, as FIELD=VALUE")

    def clean_params(self) -> dict[str, dict[str, str]]:
        """Return parameter and value of each line, by loss."""
        params: dict[str, dict[str, str]] = {}
        rule = "Give each parameter once, as LOSS.PARAMETER=VALUE"
        for path, value in _pairs(self.cleaned_data["params"], rule).items():
            loss, separator, name = path.partition(".")
            if not separator or not loss or not name:
                raise forms.ValidationError(f"{rule}, not: {path[:80]}={value[:80]}")
            params.setdefault(loss, {})[name] = value
        return params

    def advanced(self) -> list[forms.BoundField]:
        """Return the fields that most experiments leave alone."""
        return [self[name] for name in ADVANCED]

    def usual(self) -> list[forms.BoundField]:
        """Return the other fields but the losses, which have a table of their own."""
        return [field for field in self.visible_fields() if field.name not in (*ADVANCED, "losses")]

    def clean_seeds(self) -> list[int]:
        """Return the seeds as numbers."""
        words = self.cleaned_data["seeds"].replace(",", " ").split()
        if not words or len(words) > MOST_SEEDS or not all(word.isdecimal() and len(word) < 10 for word in words):
            raise forms.ValidationError(f"Give 1 to {MOST_SEEDS} whole numbers, such as: 0 1 2")
        return sorted({int(word) for word in words})


def _pairs(text: str, rule: str) -> dict[str, str]:
    """Return the two sides of each line's equals sign; the rule is told where a line breaks it."""
    found: dict[str, str] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        field, separator, value = (part.strip() for part in line.partition("="))
        if not separator or not field or field in found:
            raise forms.ValidationError(f"{rule}, not: {line[:80]}")
        found[field] = value
    return found
