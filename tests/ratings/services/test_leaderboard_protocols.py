"""Keys of protocols in addresses of the leaderboard: a field that comes later leaves shared addresses as they are."""

from typing import Any

import pytest

from mlcore.config import LATER, Protocol
from ratings.services.leaderboard_protocols import key_of


@pytest.mark.parametrize(
    ("fields", "weights", "key"),
    [
        ({}, "", "e717eb78b262"),
        ({"memory": 64, "crop_scale": 1}, "x.pth", "bc298ae8b1de"),
        ({"horizontal_flip": 0.25, "crop_scale": 1, "epochs": 4}, "", "5d84829a729b"),
    ],
)
def test_keys_that_people_shared_stay(fields: dict[str, Any], weights: str, key: str) -> None:
    """If this fails after a field was added to Protocol, the field needs a line in LATER."""
    protocol = Protocol.from_json({"name": "own", "backbone": "resnet10t", **fields})
    assert key_of(protocol, weights) == key == key_of(protocol.with_changes(name="other"), weights)
    assert key_of(protocol, "another.pth") != key


@pytest.mark.parametrize("name", LATER)
def test_a_later_field_counts_where_it_changes_something(name: str) -> None:
    stored = {"name": "own", "backbone": "resnet10t", "epochs": 9}
    before = Protocol.from_json(stored)
    off = LATER[name](before)
    assert key_of(before.with_changes(**{name: off}), "") == key_of(before, "")
    other = "onnxruntime" if isinstance(off, str) else 0.25 if isinstance(off, float) else off + 2
    assert key_of(before.with_changes(**{name: other}), "") != key_of(before, "")
