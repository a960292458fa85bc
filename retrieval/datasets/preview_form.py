"""The form on the preview of an import: how to read the source, names of classes, and what to store with it."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.http import QueryDict

from jobs.models import Job
from retrieval.datasets.forms import AboutForm
from retrieval.datasets.services.classes import NAME_LENGTH
from retrieval.datasets.services.layouts import LONGEST, described

COLUMNS = {"path_column": "Column with the path", "label_column": "Column with the class",
           "split_column": "Column with the split"}  # fmt: skip
LAYOUT = ("reader", "level", "pattern", *COLUMNS, "split", "unlabelled")
CLASS_NAME = "class_name"
AS_FOUND = "As found"


class PreviewForm(AboutForm):
    """What may be changed after a preview. Fields without anything to choose are left out."""

    reader = forms.ChoiceField(required=False, help_text="Layouts that the files could also be read as.")
    level = forms.TypedChoiceField(
        required=False,
        coerce=int,
        empty_value=None,
        label="Class folders",
        help_text="Level of folders that names the classes.",
    )
    path_column = forms.ChoiceField(required=False)
    label_column = forms.ChoiceField(required=False)
    split_column = forms.ChoiceField(required=False)
    pattern = forms.CharField(
        required=False,
        max_length=LONGEST,
        label="Class in the file name",
        help_text="Regular expression with a group <code>label</code>, such as <code>(?P&lt;label&gt;[a-z]+)_</code>.",
    )
    split = forms.ChoiceField(
        required=False,
        choices=(("", AS_FOUND), ("halves", "First half of the classes trains, the rest is held out")),
    )

    def __init__(self, data: QueryDict | None, preview: Job) -> None:
        self.names = [name.strip() for name in data.getlist(CLASS_NAME)] if data else []
        self.payload: Mapping[str, Any] = preview.payload
        self.result: Mapping[str, Any] = preview.result or {}
        self.before: dict[str, Any] = {**self.payload["layout"]}
        self.before_names: dict[str, str] = self.before.pop("class_names", {})
        about = {**self.payload["about"], "unlabelled": not self.payload["labelled"]}
        super().__init__(data, initial={**about, **self._suggested(), **self.before})
        self._offer(self.result["options"])

    def _suggested(self) -> dict[str, str]:
        """Return what a refusal suggests to choose."""
        chosen = self.result["options"]["chosen"] if self.result["refusal"] else {}
        return {name: chosen[name] for name in ("pattern", *COLUMNS) if name in chosen}

    def _offer(self, options: Mapping[str, Any]) -> None:
        """Give the fields their choices."""
        chosen = options["chosen"]
        readers = [(row["name"], row["title"]) for row in self.result["readers"] if row["recognises"]]
        levels = [(level["number"], _level_text(level)) for level in options["levels"]]
        self._choose("reader", self.result["title"], readers if len(readers) > 1 or "reader" in self.before else [])
        self._choose("level", f"level {chosen['level']}" if "level" in chosen else "", levels)
        for name, label in COLUMNS.items():
            self.fields[name].label = label
            self._choose(name, chosen.get(name), [(column, column) for column in options["columns"]])

    def _choose(self, name: str, found: object, choices: Sequence[tuple[Any, str]]) -> None:
        field = self.fields[name]
        if not choices:
            del self.fields[name]
        elif isinstance(field, forms.ChoiceField):
            field.choices = [("", f"{AS_FOUND} ({found})" if found else AS_FOUND), *choices]

    @property
    def can_be_read_otherwise(self) -> bool:
        """Whether there are files of which a reader could be told more."""
        return any(row["recognises"] for row in self.result["readers"])

    @property
    def layout_fields(self) -> list[forms.BoundField]:
        """The fields about how the source is read."""
        return [self[name] for name in LAYOUT if name in self.fields]

    @property
    def classes(self) -> list[dict[str, Any]]:
        """The classes of the page, by the names that were sent, if any were."""
        rows = self.result["first_classes"]
        names = self.names if len(self.names) == len(rows) else [row["name"] for row in rows]
        return [{**row, "name": name} for row, name in zip(rows, names, strict=True)]

    @property
    def read_with(self) -> str:
        """What the reader took, in words; "" where there was nothing to take."""
        return described(self.result["options"]["chosen"])

    @property
    def about_fields(self) -> list[forms.BoundField]:
        """The fields about what is stored with the data set."""
        return [self[name] for name in self.fields if name not in LAYOUT]

    def clean(self) -> dict[str, Any]:
        """Return the values with the `layout` that they choose."""
        values = super().clean()
        layout = {name: values[name] for name in LAYOUT if values.get(name)}
        values["changed"] = (layout, values["labelled"]) != (self.before, self.payload["labelled"])
        values["layout"] = layout if values["changed"] else {**layout, "class_names": self._class_names()}
        return values

    def _class_names(self) -> dict[str, str]:
        """Return the new names of classes: those of the page, and of others as before.

        Where the layout is another, other classes are found, and these names mean nothing.
        """
        rows = self.result["first_classes"] if self.payload["labelled"] else []
        if len(self.names) != len(rows):
            return self.before_names
        if not all(0 < len(name) <= NAME_LENGTH for name in self.names):
            raise forms.ValidationError(f"Give each class a name of 1 to {NAME_LENGTH} characters.")
        listed = {row["found_as"]: name for row, name in zip(rows, self.names, strict=True)}
        return {found: name for found, name in {**self.before_names, **listed}.items() if listed.get(found) != found}


def _level_text(level: Mapping[str, Any]) -> str:
    first = ", ".join(level["first"])
    more = ", …" if level["classes"] > len(level["first"]) else ""
    return f"Level {level['number']}: {level['classes']:,} classes ({first}{more})"
