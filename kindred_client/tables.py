"""Rows for a spreadsheet or a data frame: a list of flat dicts."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    import pandas


def flat(row: Mapping[str, object], before: str = "") -> dict[str, object]:
    """Return the row with nested values under dotted names: {"a": {"b": 1}} is {"a.b": 1}."""
    cells: dict[str, object] = {}
    for name, value in row.items():
        if isinstance(value, Mapping) and value:
            cells |= flat(value, f"{before}{name}.")
        else:
            cells[f"{before}{name}"] = value
    return cells


class Table(list[dict[str, Any]]):
    """Flat rows; a row may lack columns."""

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]]) -> "Table":
        return cls(flat(row) for row in rows)

    @property
    def columns(self) -> list[str]:
        """Every column, in the order met first."""
        return list(dict.fromkeys(name for row in self for name in row))

    def to_csv(self, to: "str | Path | TextIO") -> None:
        """Write comma-separated values, with a line of names, to a path or an open file."""
        if isinstance(to, str | Path):
            with Path(to).open("w", newline="", encoding="utf-8") as file:
                return self.to_csv(file)
        writer = csv.DictWriter(to, self.columns, restval="")
        writer.writeheader()
        writer.writerows(self)

    def to_pandas(self) -> "pandas.DataFrame":
        """Return a data frame; pandas must be installed, for this client does without."""
        import pandas

        return pandas.DataFrame(list(self), columns=self.columns)
