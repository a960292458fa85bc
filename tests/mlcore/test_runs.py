"""A run is checked before it costs anything, and its embeddings say whose they are."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlcore.config import LATER
from mlcore.datasets import DatasetFolder
from mlcore.errors import ProtocolError, UnknownLossError
from mlcore.losses import LOSSES
from mlcore.runs import BASELINES, RunSpec, read_ids, read_shas, write_embeddings
from tests.mlcore.tiny import tiny_protocol, tiny_spec


def spec(**fields: Any) -> RunSpec:
    return RunSpec(**{"protocol": tiny_protocol(), "loss": "soft_triple", **fields})


def test_a_checked_run_writes_every_parameter_out() -> None:
    checked = spec(params={"gamma": "0.5"}).checked()
    defaults = {name: value.default for name, value in LOSSES["soft_triple"].parameters.items()}
    assert checked.params == {**defaults, "gamma": 0.5}
    assert checked.checked() == checked


@pytest.mark.parametrize("baseline", BASELINES)
def test_a_baseline_is_measured_and_takes_no_parameter(baseline: str) -> None:
    assert spec(loss=baseline).checked().is_baseline
    with pytest.raises(TypeError, match=f"{baseline} has no parameter 'gamma'"):
        spec(loss=baseline, params={"gamma": 1}).checked()


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"loss": "softtriple"}, UnknownLossError, "no loss named 'softtriple'"),
        ({"params": {"gama": 1}}, TypeError, "has no parameter 'gama'"),
        ({"params": {"gamma": 0}}, ValueError, "gamma must be positive"),
        ({"measured_on": "train"}, ProtocolError, "measured_on must be one of test, validation; got 'train'"),
        ({"seed": -1}, ProtocolError, "seed must be at least 0, got -1"),
        ({"fold": 0}, ProtocolError, "there is no fold 0: the protocol has 0 folds"),
        (
            {"protocol": tiny_protocol(folds=2)},
            ProtocolError,
            "the protocol has 2 folds; say which is held out, 0 to 1",
        ),
        ({"protocol": tiny_protocol(folds=2), "fold": 2}, ProtocolError, "there is no fold 2"),
    ],
)
def test_a_wrong_run_is_refused(fields: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        spec(**fields).checked()


def test_a_run_is_the_same_after_being_stored() -> None:
    run = spec(protocol=tiny_protocol(folds=2), fold=1, seed=3, params={"gamma": 0.5}).checked()
    assert RunSpec.from_json(json.loads(json.dumps(run.to_json()))) == run


def test_only_the_same_run_on_the_same_pictures_has_its_fingerprint(wings: DatasetFolder) -> None:
    one = tiny_spec().checked()
    others = [
        replace(one, seed=1),
        replace(one, loss="multi_similarity"),
        replace(one, params={**one.params, "gamma": 0.2}),
        replace(one, measured_on="validation"),
        tiny_spec(epochs=4).checked(),
        tiny_spec(memory=8).checked(),
    ]
    assert one.fingerprint(wings) == tiny_spec().checked().fingerprint(wings)
    assert one.fingerprint(wings) not in [other.fingerprint(wings) for other in others]
    assert one.fingerprint(replace(wings, fingerprint="other")) != one.fingerprint(wings)


def test_a_fingerprint_taken_before_a_field_was_added_still_holds(wings: DatasetFolder) -> None:
    run = tiny_spec().checked()
    stored = run.to_json()
    for added in LATER:
        del stored["protocol"][added]
    before = hashlib.sha256(json.dumps([stored, wings.fingerprint], sort_keys=True).encode()).hexdigest()
    assert run.fingerprint(wings) == before


def test_a_contrastive_run_stored_before_its_power_was_a_parameter_keeps_its_formula_and_fingerprint(
    wings: DatasetFolder,
) -> None:
    params = {"positive_margin": 0.0, "negative_margin": 0.5}
    stored = {**spec(loss="contrastive", params=params).to_json(), "params": params}
    for added in LATER:
        del stored["protocol"][added]  # type: ignore[attr-defined]
    run = RunSpec.from_json(json.loads(json.dumps(stored))).checked()
    assert run.params == {**params, "power": 2}
    before = hashlib.sha256(json.dumps([stored, wings.fingerprint], sort_keys=True).encode()).hexdigest()
    assert run.fingerprint(wings) == before
    assert spec(loss="contrastive").checked().params["power"] == 1
    assert spec(loss="contrastive").checked().fingerprint(wings) != before


def test_every_row_of_embeddings_says_which_picture_it_is(wings: DatasetFolder, tmp_path: Path) -> None:
    embeddings = np.random.default_rng(0).normal(size=(len(wings.pictures), 3)).astype(np.float32)
    write_embeddings(tmp_path, embeddings, wings)
    assert np.array_equal(np.load(tmp_path / "embeddings.npy"), embeddings)
    assert np.array_equal(read_ids(tmp_path), wings.ids)
    assert read_shas(tmp_path) == [picture.sha256 for picture in wings.pictures]
