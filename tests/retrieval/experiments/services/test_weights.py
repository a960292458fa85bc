from dataclasses import replace

import pytest

from config.errors import Rejected
from mlcore import weights as table
from retrieval.experiments.services import options
from retrieval.experiments.services.weights import convert_smallest


def test_packaged_weights_become_a_file_that_experiments_can_start_from() -> None:
    name = convert_smallest()
    assert name == "efficientnet_lite0.imagenet.safetensors" == convert_smallest()
    assert options.weights_files() == [name]
    protocol = options.make_protocol("frozen-features", {}, name)
    assert (protocol.backbone, protocol.name) == ("tf_efficientnet_lite0", "frozen-features")


def test_without_a_package_there_is_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "PACKAGED_WEIGHTS", ())
    assert convert_smallest() == "" and options.weights_files() == []


def test_a_package_with_another_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "PACKAGED_WEIGHTS", (replace(table.PACKAGED_WEIGHTS[0], sha256="0" * 64),))
    with pytest.raises(Rejected, match="SHA-256"):
        convert_smallest()
