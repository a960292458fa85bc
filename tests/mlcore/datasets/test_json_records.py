"""Lists of objects are read from JSON one object at a time."""

import json

import pytest

from mlcore.datasets.json_records import iterate_lists
from mlcore.errors import DatasetError

VALUES = {
    "info": {"a": [1, {"b": 2}]},
    "images": [{"id": 1}, {"id": "é]"}],
    "n": 3.5,
    "empty": [],
    "odd": [1, [2], {"x": {}}],
}
PAIRS = [("images", {"id": 1}), ("images", {"id": "é]"}), ("odd", {"x": {}})]


@pytest.mark.parametrize("indent", [None, 0, 2])
def test_objects_of_lists_are_yielded(indent: int | None) -> None:
    assert list(iterate_lists(f" {json.dumps(VALUES, indent=indent)}\n", "x.json")) == PAIRS
    assert list(iterate_lists("{}", "x.json")) == []


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"a"', '{"a" 1}', '{"a": [{}', '{"a": [{} {}]}', '{"a": }', '{"a": ' + "[" * 100_000]
)
def test_damaged_text_is_refused(text: str) -> None:
    with pytest.raises(DatasetError, match=r"x\.json"):
        list(iterate_lists(text, "x.json"))
