"""A protocol refuses what cannot be meant, and comes back from JSON as it was."""

import json
import re
from dataclasses import fields
from typing import Any

import pytest

from mlcore.config import ABOVE_ZERO, AT_LEAST, CHOICES, LATER, PRESETS, SHARES, Protocol, ladder, preset
from mlcore.errors import ProtocolError
from mlcore.losses import LOSSES

INFINITY = float("inf")


def protocol(**fields: Any) -> Protocol:
    return Protocol(**{"name": "own", "backbone": "resnet10t", **fields})


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_comes_back_from_json(name: str) -> None:
    stored = json.loads(json.dumps(preset(name).to_json()))
    assert Protocol.from_json(stored) == preset(name)
    assert Protocol.from_json(stored) == preset(name)


def test_an_unknown_preset_lists_the_known_ones() -> None:
    with pytest.raises(ProtocolError, match="no protocol named 'dmeo'; known: demo, "):
        preset("dmeo")


@pytest.mark.parametrize("name", CHOICES)
def test_a_choice_that_is_not_offered_is_refused(name: str) -> None:
    with pytest.raises(ProtocolError, match=f"{name} must be one of .*; got 'other'"):
        protocol(**{name: "other"})


@pytest.mark.parametrize(("name", "least"), AT_LEAST.items())
def test_a_number_below_its_least_is_refused(name: str, least: int) -> None:
    with pytest.raises(ProtocolError, match=f"{name} must be at least {least} and finite, got {least - 1}"):
        protocol(**{name: least - 1})


@pytest.mark.parametrize("name", ABOVE_ZERO)
@pytest.mark.parametrize("value", [0, -1, float("nan"), INFINITY])
def test_a_rate_must_be_positive_and_finite(name: str, value: float) -> None:
    with pytest.raises(ProtocolError, match=f"{name} must be positive and finite, got {value}"):
        protocol(**{name: value})


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"short_side": 64, "crop": 65}, "crop 65 must not exceed short_side 64"),
        ({"crop_scale": 1.5}, "crop_scale must be at most 1, got 1.5"),
        ({"horizontal_flip": 1.5}, "horizontal_flip must be at most 1, got 1.5"),
        ({"batch_size": 7, "samples_per_class": 4}, "batch_size 7 holds fewer than two classes"),
        ({"selection": "validation"}, "needs validation_classes of at least 1"),
        ({"weights": "hbu"}, "weights must be scratch, hub, hub:TAG or local; got 'hbu'"),
        ({"memory": 9, "epochs": 3, "memory_warmup_epochs": 3}, "memory 9 would rest through all epochs (3); lower"),
        ({"dim": 64, "nested_from": 65}, "nested_from must be 0 for none, or from 2 to dim, 64; got 65"),
        ({"nested_from": 1}, "nested_from must be 0 for none, or from 2 to dim, 128; got 1"),
        ({"weight_decay": INFINITY}, "weight_decay must be at least 0 and finite"),
    ],
)
def test_fields_that_contradict_each_other_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ProtocolError, match=re.escape(message)):
        protocol(**fields)


@pytest.mark.parametrize("name", PRESETS)
def test_a_later_field_at_its_default_is_no_part_of_what_a_protocol_is(name: str) -> None:
    whole = preset(name).with_changes(feature_engine="torch")
    before = {key: value for key, value in whole.to_json().items() if key not in LATER}
    assert Protocol.from_json(before) == whole and whole.identity() == before
    assert whole.with_changes(memory=5).identity() == {**before, "memory": 5}
    assert whole.with_changes(nested_from=8).identity() == {**before, "nested_from": 8}
    assert whole.with_changes(horizontal_flip=0.25).identity() == {**before, "horizontal_flip": 0.25}
    assert whole.with_changes(feature_engine="onnxruntime").identity() == {**before, "feature_engine": "onnxruntime"}


@pytest.mark.parametrize(("crop_scale", "flip"), [(0.08, 0.5), (0.999, 0.5), (1, 0.0)])
def test_a_protocol_stored_before_flips_had_a_field_flips_where_it_cropped(crop_scale: float, flip: float) -> None:
    stored = {"name": "own", "backbone": "resnet10t", "crop_scale": crop_scale}
    assert Protocol.from_json(stored).horizontal_flip == flip
    assert Protocol.from_json({**stored, "horizontal_flip": 0.25}).horizontal_flip == 0.25
    assert "horizontal_flip" not in Protocol.from_json(stored).identity()


def test_the_ladder_doubles_and_ends_at_all_dimensions() -> None:
    assert ladder(64, 8) == (8, 16, 32, 64)
    assert ladder(50, 8) == (8, 16, 32, 50)
    assert ladder(8, 8) == (8,) and ladder(5, 8) == (5,)
    assert ladder(40, 10) == (10, 20, 40)


def test_only_the_preset_of_frozen_features_takes_the_serving_engine() -> None:
    assert [name for name in PRESETS if preset(name).feature_engine == "onnxruntime"] == ["frozen-features"]


def test_a_tag_of_the_hub_may_be_named() -> None:
    assert protocol(weights="hub:a1_in1k").weights == "hub:a1_in1k"


@pytest.mark.parametrize("read", [Protocol.from_json, lambda values: preset("demo").with_changes(**values)])
@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"epoch": 3}, "a protocol has no field 'epoch'; it has name, backbone, "),
        ({"epochs": 2.5}, "epochs must be a whole number, got 2.5"),
        ({"epochs": "2.5"}, "epochs must be a whole number, got '2.5'"),
        ({"epochs": None}, "epochs must be a whole number, got None"),
        ({"epochs": INFINITY}, "epochs must be a whole number, got inf"),
        ({"learning_rate": "fast"}, "learning_rate must be a number, got 'fast'"),
        ({"pooling": None}, "pooling must be text, got None"),
    ],
)
def test_a_field_unknown_or_of_another_type_is_refused(read: Any, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ProtocolError, match=re.escape(message)):
        read({"name": "own", "backbone": "resnet10t", **fields})


@pytest.mark.parametrize("missing", ["name", "backbone"])
def test_a_protocol_without_name_or_backbone_is_refused(missing: str) -> None:
    values = preset("demo").to_json()
    del values[missing]
    with pytest.raises(ProtocolError, match=f"a protocol needs a {missing}"):
        Protocol.from_json(values)


def test_texts_of_a_form_become_the_fields_own_types() -> None:
    changed = preset("demo").with_changes(epochs="3", learning_rate="1e-3", crop_scale=1, precision="bfloat16")
    assert (changed.epochs, changed.learning_rate, changed.precision) == (3, 1e-3, "bfloat16")
    assert isinstance(changed.crop_scale, float)
    assert preset("demo").epochs != 3


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"folds": 1}, "folds must be 0 for none, or at least 2; got 1"),
        ({"folds": -2}, "folds must be at least 0 and finite, got -2"),
        ({"folds": 4, "validation_classes": 3}, "folds hold classes out by themselves; set validation_classes to 0"),
        ({"patience": 3}, "patience watches the validation classes; set selection to validation"),
        ({"selection": "validation"}, "selection 'validation' needs validation_classes of at least 1, or folds"),
    ],
)
def test_held_out_classes_that_contradict_each_other_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ProtocolError, match=re.escape(message)):
        preset("demo").with_changes(**fields)


def test_reality_check_is_what_the_paper_says() -> None:
    protocol = preset("reality-check")
    assert (protocol.batch_size, protocol.samples_per_class, protocol.dim, protocol.folds) == (32, 4, 128, 4)
    assert (protocol.batch_norm, protocol.selection, protocol.batches_per_epoch) == ("frozen", "validation", 100)
    assert (protocol.optimizer, protocol.learning_rate, protocol.weight_decay) == ("rmsprop", 1e-6, 1e-4)
    assert (protocol.short_side, protocol.crop, protocol.crop_scale, protocol.patience) == (256, 227, 0.16, 9)


NUMBERS = [field.name for field in fields(Protocol) if field.type in (int, float)]
ABSURD = (10**15, 10**400)


@pytest.mark.parametrize("name", [name for name in NUMBERS if name not in SHARES])
@pytest.mark.parametrize("value", ABSURD, ids=["1e15", "1e400"])
def test_every_number_of_a_new_protocol_has_an_upper_bound(name: str, value: int) -> None:
    with pytest.raises(ProtocolError, match=f"^{name} must be") as refused:
        whole = preset("demo").with_changes(short_side=2048)
        whole.with_changes(**{name: value, **FITTING.get(name, {})}).bounded()
    assert len(str(refused.value)) < 250


FITTING: dict[str, dict[str, Any]] = {
    "crop": {"short_side": 10**400},
    "samples_per_class": {"batch_size": 10**401},
    "patience": {"selection": "validation", "validation_classes": 2},
    "folds": {"selection": "validation"},
}
"""What must be as absurd, or else, before these fields can be."""


@pytest.mark.parametrize(
    "backbone", ["../../x", "hf-hub:evil/x", "local-dir:/etc", "https://evil.example/x", "", "a b", "x" * 10_000 + "/"]
)
def test_a_backbone_that_cannot_be_one_of_timms_is_refused_at_once(backbone: str) -> None:
    with pytest.raises(ProtocolError, match="^backbone must be an architecture of timm") as refused:
        preset("demo").with_changes(backbone=backbone).bounded()
    assert len(str(refused.value)) < 250


@pytest.mark.parametrize("weights", ["hub:../../x", "hub:evil/x", "hub:"])
def test_a_tag_that_cannot_be_one_of_the_hubs_is_refused_at_once(weights: str) -> None:
    with pytest.raises(ProtocolError, match="^weights must be"):
        preset("demo").with_changes(weights=weights).bounded()


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_within_the_bounds(name: str) -> None:
    assert preset(name).bounded() == preset(name)


def test_a_stored_protocol_above_a_bound_is_still_read() -> None:
    stored = {**preset("demo").to_json(), "epochs": 10**6, "memory": 10**9}
    assert Protocol.from_json(stored).to_json() == stored


@pytest.mark.parametrize("loss", LOSSES)
def test_every_number_of_a_loss_has_an_upper_bound(loss: str) -> None:
    for name in LOSSES[loss].parameters:
        for value in (10**9, 10**400, "1e308"):
            with pytest.raises(ValueError, match=f"^{name} must be") as refused:
                LOSSES[loss].checked({name: value})
            assert len(str(refused.value)) < 250
