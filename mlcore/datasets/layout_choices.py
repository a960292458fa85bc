"""What a user may choose about a layout, and what a reader offers for the choice."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from mlcore.errors import DatasetError

SPLIT_CHOICES = ("", "halves")


@dataclass(frozen=True, kw_only=True)
class LayoutChoices:
    """How to read a set of files; a field that is left empty is found by the reader.

    reader: name of a row of the table of readers. level: which folder of a picture's path names its class,
    counted from 1 at the top of the data set, 0 where the reader finds it. pattern: regular expression with a
    group `label`, looked for in each picture's file name. path_column, label_column, split_column: of a label
    file. split: "halves" lets the first half of the classes train, whatever the files say. class_names: new
    name of each class that is to be called otherwise, by the name that the reader found.
    """

    reader: str = ""
    level: int = 0
    pattern: str = ""
    path_column: str = ""
    label_column: str = ""
    split_column: str = ""
    split: str = ""
    class_names: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return what is chosen as plain JSON values, without the empty fields."""
        return {name: value for name, value in asdict(self).items() if value}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return what `to_json` stored.

        Raises:
            DatasetError: a field is unknown, or `split` is.
        """
        unknown = sorted(values.keys() - cls.__dataclass_fields__.keys())
        if unknown:
            known = ", ".join(cls.__dataclass_fields__)
            raise DatasetError(f"{unknown[0]!r} cannot be chosen about a layout; known: {known}")
        choices = cls(**values)
        if choices.split not in SPLIT_CHOICES:
            raise DatasetError(f"split {choices.split!r} is unknown; leave it out, or choose 'halves'")
        return choices

    def refuse_others(self, title: str, *taken: str) -> None:
        """Refuse what is chosen beside `taken`, names of fields that the reader `title` takes.

        Raises: DatasetError.
        """
        others = [name for name in self.to_json() if name not in ("reader", *taken)]
        if others:
            raise DatasetError(
                f"{title} is read as its authors publish it, or says it itself: {others[0]} cannot be chosen. "
                "Leave it out, or choose another reader"
            )


NO_CHOICES = LayoutChoices()


@dataclass(frozen=True)
class Level:
    """A level of folders that could name the classes: `number` as LayoutChoices has it, `classes` of them in all.

    first: names of the first classes, for a user who has to choose.
    """

    number: int
    classes: int
    first: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class LayoutOptions:
    """What a reader found that could be chosen otherwise; empty where there is nothing to choose.

    chosen: what it took, each field filled. levels: of class folders. columns: of the label file.
    """

    chosen: LayoutChoices = NO_CHOICES
    levels: tuple[Level, ...] = ()
    columns: tuple[str, ...] = ()


class LayoutUnclear(DatasetError):
    """A layout that is recognised and leaves something for the user to choose; `options` says what can be chosen."""

    def __init__(self, message: str, options: LayoutOptions) -> None:
        super().__init__(message)
        self.options = options
