from dataclasses import replace
from pathlib import Path

import pytest

from mlcore import weights
from mlcore.weights import PACKAGED_WEIGHTS, converted_file, installed_weights


def test_the_required_package_is_installed_and_a_missing_one_is_not_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = replace(PACKAGED_WEIGHTS[0], package="kindred-no-such-weights")
    monkeypatch.setattr(weights, "PACKAGED_WEIGHTS", (absent, PACKAGED_WEIGHTS[0]))
    assert installed_weights() == [PACKAGED_WEIGHTS[0]]


def test_weights_count_as_converted_with_their_json(tmp_path: Path) -> None:
    file = tmp_path / "efficientnet_lite0.imagenet.safetensors"
    file.touch()
    assert converted_file(PACKAGED_WEIGHTS[0], tmp_path) is None
    file.with_suffix(".json").touch()
    assert converted_file(PACKAGED_WEIGHTS[0], tmp_path) == file
