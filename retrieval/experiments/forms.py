"""The form that starts an experiment."""

from itertools import count
from typing import Any

from django import forms

from retrieval.datasets.services.visibility import visible_datasets
from retrieval.experiments.services import options, starting
from retrieval.experiments.services.weights import smallest_packaged, weights_rows
from retrieval.models import Dataset, Experiment
from retrieval.registry.services.legend import loss_titles

MOST_SEEDS = 20
USUAL_LOSSES = ("soft_triple", "multi_similarity")
QUICK_PRESET, SCRATCH_PRESET = "frozen-features", "demo"
ADVANCED = ("trials", "tuning_folds", "validation_classes", "changes", "params")


class ExperimentForm(forms.Form):
    """One protocol, several losses, several seeds."""

    name = forms.CharField(
        max_length=120, required=False, help_text="Name in lists and reports; default: preset and data set."
    )
    dataset = forms.ModelChoiceField(
        queryset=Dataset.objects.none(),
        label="Data set",
        help_text="Labelled data set; its training classes train, its held-out classes measure.",
    )
    preset = forms.ChoiceField(
        label="Preset", help_text="Named protocol to begin with; the table below lists backbone and epochs of each."
    )
    losses = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple)
    seeds = forms.CharField(
        initial="0",
        help_text="Whole numbers separated by spaces; one run per loss and seed. Three or more show the spread.",
    )
    weights = forms.ChoiceField(
        required=False, help_text="Weights to start from, listed below; default: the protocol's own."
    )
    trials = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=starting.MOST_TRIALS,
        initial=0,
        label="Tuning trials",
        help_text="Tuning trials per loss; 0 = no tuning. Each trial is a training run per fold. Tuned runs are "
        "added next to the untuned ones.",
    )
    tuning_folds = forms.IntegerField(
        required=False,
        min_value=0,
        label="Tuning folds",
        help_text="Class folds of the training classes; each trial trains without each in turn and is measured on it. "
        "Default 3; with validation classes or a protocol with folds, one split.",
    )
    validation_classes = forms.IntegerField(
        required=False,
        min_value=0,
        initial=0,
        label="Validation classes",
        help_text="In place of tuning folds: number of training classes, the last ones, held out to measure trials on.",
    )
    changes = forms.CharField(
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        label="Protocol changes",
        help_text="Fields to change, one per line, such as <code>epochs=30</code>; default: as in the preset.",
    )
    params = forms.CharField(
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        label="Loss parameters",
        help_text="Parameters to change, one per line, such as <code>soft_triple.gamma=0.2</code>; default: the "
        "papers' values.",
    )
    publish = forms.BooleanField(
        required=False,
        initial=False,
        label="Publish all models at once",
        help_text="Publication of each model as soon as its index is built; default: you publish after a look.",
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields = self.fields
        fields["dataset"].queryset = visible_datasets(user).filter(revision__gt=0, labelled=True)  # type: ignore[attr-defined]
        fields["preset"].choices = [(row["name"], row["name"]) for row in options.presets()]  # type: ignore[attr-defined]
        fields["losses"].choices = list(loss_titles().items())  # type: ignore[attr-defined]
        fields["losses"].initial = [*USUAL_LOSSES, *options.baselines()]  # those are cheap rows of every honest table
        fields["weights"].choices = _weights_choices()  # type: ignore[attr-defined]
        self._fill_in()

    def _fill_in(self) -> None:
        """Begin with what most people want: the only data set, and the quickest protocol that this site can train."""
        datasets = list(self.fields["dataset"].queryset[:2])  # type: ignore[attr-defined]
        if len(datasets) == 1:
            self.fields["dataset"].initial = datasets[0]
        packaged = smallest_packaged()
        self.fields["preset"].initial = QUICK_PRESET if packaged else SCRATCH_PRESET
        if "preset" not in self.initial:  # another preset may need other weights
            self.fields["weights"].initial = packaged

    def clean(self) -> dict[str, Any]:
        """Name the experiment, if nobody did."""
        values = super().clean() or {}
        if not values.get("name") and {"preset", "dataset"} <= values.keys():
            values["name"] = _free_name(f"{values['preset']} on {values['dataset'].name}")
        return values

    def clean_trials(self) -> int:
        """Return 0 for an empty field."""
        return self.cleaned_data["trials"] or 0

    def clean_validation_classes(self) -> int:
        """Return 0 for an empty field."""
        return self.cleaned_data["validation_classes"] or 0

    def clean_changes(self) -> dict[str, str]:
        """Return field and value of each line."""
        return _pairs(self.cleaned_data["changes"], "give each field once, as FIELD=VALUE")

    def clean_params(self) -> dict[str, dict[str, str]]:
        """Return parameter and value of each line, by loss."""
        params: dict[str, dict[str, str]] = {}
        rule = "give each parameter once, as LOSS.PARAMETER=VALUE"
        for path, value in _pairs(self.cleaned_data["params"], rule).items():
            loss, separator, name = path.partition(".")
            if not separator or not loss or not name:
                raise forms.ValidationError(f"“{path[:80]}={value[:80]}” is not valid; {rule}")
            params.setdefault(loss, {})[name] = value
        return params

    def advanced(self) -> list[forms.BoundField]:
        """Return the fields that most experiments keep at their default."""
        return [self[name] for name in ADVANCED]

    def usual(self) -> list[forms.BoundField]:
        """Return the other fields without the losses, which have their own table."""
        return [field for field in self.visible_fields() if field.name not in (*ADVANCED, "losses")]

    def clean_seeds(self) -> list[int]:
        """Return the seeds as numbers."""
        words = self.cleaned_data["seeds"].replace(",", " ").split()
        if not words or len(words) > MOST_SEEDS or not all(word.isdecimal() and len(word) < 10 for word in words):
            raise forms.ValidationError(f"Give 1 to {MOST_SEEDS} whole numbers, such as: 0 1 2")
        return sorted({int(word) for word in words})


def _free_name(wanted: str) -> str:
    """Return the name, numbered if an experiment has it; names need not differ, but people tell them apart so."""
    taken = set(Experiment.objects.filter(name__startswith=wanted[:100]).values_list("name", flat=True))
    names = (wanted[:120] if number == 1 else f"{wanted[:110]} ({number})" for number in count(1))
    return next(name for name in names if name not in taken)


def _weights_choices() -> list[tuple[str, str | list[tuple[str, str]]]]:
    """Return the weights to choose from: the protocol's own, those on the server, those on the hub."""
    here: list[tuple[str, str]] = []
    hub: list[tuple[str, str]] = []
    for row in weights_rows():
        (hub if row.place == "hub" else here).append((row.name, f"{row.title} ({row.megabytes:.0f} MB)"))
    groups = [("On the server", here), ("On the hub, fetched by the training", hub)]
    return [("", "the protocol's own"), *((title, choices) for title, choices in groups if choices)]


def _pairs(text: str, rule: str) -> dict[str, str]:
    """Return the two sides of each line's equals sign; `rule` ends the error of a line that breaks it."""
    values: dict[str, str] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        field, separator, value = (part.strip() for part in line.partition("="))
        if not separator or not field or field in values:
            raise forms.ValidationError(f"“{line[:80]}” is not valid; {rule}")
        values[field] = value
    return values
