import json
from dataclasses import replace
from pathlib import Path

import pytest
from django.conf import settings
from safetensors.torch import save_file

from config.errors import Rejected
from mlcore import weights as table
from mlcore.networks.backbones import timm
from retrieval.experiments.services import options
from retrieval.experiments.services.weights import smallest_packaged, take_file, weights_files, weights_rows

LITE0 = "efficientnet_lite0.imagenet.safetensors"


def described(folder: Path, name: str = "small", text: str = "weights") -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / f"{name}.safetensors"
    file.write_text(text)
    about = {"architecture": "resnet10t", "mean": [0.5] * 3, "std": [0.5] * 3, "trained_on": "moths", "licence": "CC0"}
    file.with_suffix(".json").write_text(json.dumps(about))
    return file


def test_packaged_weights_are_converted_when_they_are_first_needed() -> None:
    assert smallest_packaged() == LITE0 and weights_files() == [LITE0]
    assert not (Path(settings.WEIGHTS_DIR) / LITE0).exists()
    protocol = options.make_protocol("frozen-features", {}, LITE0)
    assert (protocol.backbone, protocol.weights, protocol.name) == ("tf_efficientnet_lite0", "local", "frozen-features")
    assert (Path(settings.WEIGHTS_DIR) / LITE0).exists() and weights_files() == [LITE0]


def test_without_a_package_there_is_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "PACKAGED_WEIGHTS", ())
    assert smallest_packaged() == "" and weights_files() == []


def test_a_package_with_another_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "PACKAGED_WEIGHTS", (replace(table.PACKAGED_WEIGHTS[0], sha256="0" * 64),))
    with pytest.raises(Rejected, match="SHA-256"):
        options.make_protocol("frozen-features", {}, LITE0)


def test_a_file_is_copied_with_its_description(tmp_path: Path) -> None:
    file = described(tmp_path)
    assert take_file(file) == take_file(file) == "small.safetensors"
    assert (settings.WEIGHTS_DIR / "small.safetensors").read_text() == "weights"
    with pytest.raises(Rejected, match="other weights named small"):
        take_file(described(tmp_path / "elsewhere", text="others"))
    with pytest.raises(Rejected, match="there is no"):
        take_file(tmp_path / "nothing.safetensors")


def test_a_plain_file_of_timm_gets_its_description(tmp_path: Path) -> None:
    file = tmp_path / "mine.safetensors"
    save_file(timm.create_model("test_resnet", num_classes=7).state_dict(), file)
    assert options.make_protocol("demo", {}, take_file(file)).backbone == "test_resnet"
    assert not file.with_suffix(".json").exists()  # the folder of the file is left as it is
    with pytest.raises(Rejected, match="in use as test_resnet"):
        take_file(file, "resnet10t")
    file.rename(tmp_path / "damaged.safetensors").write_bytes(b"nothing")
    with pytest.raises(Rejected, match="cannot be read as safetensors"):
        take_file(tmp_path / "damaged.safetensors")
    assert not (settings.WEIGHTS_DIR / "damaged.safetensors").exists()


def test_weights_are_listed_with_what_is_known_of_them(tmp_path: Path) -> None:
    take_file(described(tmp_path))
    (settings.WEIGHTS_DIR / "unknown.safetensors").write_text("no description")
    rows = weights_rows()
    assert [row.place for row in rows[:4]] == ["package", "server", "server", "hub"]
    packaged, small, unknown, hub = rows[:4]
    assert (packaged.name, packaged.megabytes, packaged.licence) == (LITE0, 18.8, "Apache-2.0")
    assert "birds, dogs" in packaged.warning and packaged.trained_on == "ImageNet-1k"
    assert (small.architecture, small.licence, small.trained_on) == ("resnet10t", "CC0", "moths")
    assert (unknown.architecture, unknown.licence) == ("", "") and "not stated" in unknown.warning
    assert hub.name == "hub:resnet50.a1_in1k"
