from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from mlcore.errors import WeightsError
from mlcore.networks import packaged_weights
from mlcore.networks.backbones import evaluation_sizes, load_backbone
from mlcore.networks.packaged_weights import write_packaged_weights
from mlcore.weights import PACKAGED_WEIGHTS, PackagedWeights, describe_weights

LITE0 = PACKAGED_WEIGHTS[0]


@dataclass
class Folder:
    """Stands for an installed package: its files, and its licence."""

    root: Path

    def locate_file(self, name: str) -> Path:
        return self.root / name

    def read_text(self, name: str) -> str:
        return "All rights granted"


def packaged(
    folder: Path, patch: pytest.MonkeyPatch, tensors: Mapping[str, Tensor], checksum: str = ""
) -> PackagedWeights:
    """Return weights whose package is `folder`, with these tensors."""
    torch.save(tensors, folder / "tiny.pth")
    patch.setattr(packaged_weights, "package_of", lambda weights: Folder(folder))
    known = checksum or sha256((folder / "tiny.pth").read_bytes()).hexdigest()
    return replace(LITE0, name="tiny", package="tiny-weights", file="tiny.pth", sha256=known)


def test_the_required_package_becomes_a_backbone_with_its_json_and_licence(tmp_path: Path) -> None:
    file = write_packaged_weights(LITE0, tmp_path / "weights")
    assert len(load_file(file)) == 296
    backbone, spec = load_backbone("tf_efficientnet_lite0", "local", file, 64)
    assert (spec.mean, spec.std, spec.interpolation) == ((0.5,) * 3, (0.5,) * 3, "bicubic")
    assert float(backbone.bn2.running_var.mean()) != 1  # not as a new network begins
    described = describe_weights(file)
    assert (described["crop"], described["short_side"], described["pooling"]) == (224, 256, "average")
    assert (described["licence"], described["trained_on"]) == ("Apache-2.0", "ImageNet-1k")
    assert "Apache" in (tmp_path / "weights" / "efficientnet_lite0.imagenet.LICENSE.txt").read_text()
    assert len(list(file.parent.iterdir())) == 3


def test_a_second_conversion_changes_nothing(tmp_path: Path) -> None:
    file = write_packaged_weights(LITE0, tmp_path)
    first = file.stat().st_mtime_ns
    assert write_packaged_weights(LITE0, tmp_path) == file and file.stat().st_mtime_ns == first
    file.with_suffix(".json").unlink()
    content = file.read_bytes()
    write_packaged_weights(LITE0, tmp_path)
    assert file.with_suffix(".json").is_file() and file.read_bytes() == content


def test_a_file_with_another_checksum_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = packaged(tmp_path, monkeypatch, {"a.weight": torch.zeros(2)}, checksum="0" * 64)
    monkeypatch.setattr(torch, "load", lambda *args, **options: pytest.fail("it was read"))
    with pytest.raises(WeightsError, match="another SHA-256"):
        write_packaged_weights(weights, tmp_path / "weights")
    assert not (tmp_path / "weights").exists()


def test_tensors_that_do_not_fit_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write_packaged_weights(LITE0, tmp_path / "whole")
    tensors = {name: torch.zeros(tensor.shape, dtype=tensor.dtype) for name, tensor in load_file(file).items()}
    with pytest.raises(WeightsError, match="296"):
        write_packaged_weights(packaged(tmp_path, monkeypatch, {"a.weight": torch.zeros(2)}), tmp_path / "few")
    order = list(packaged_weights.timm.create_model("tf_efficientnet_lite0").state_dict())
    whole = {name: tensors[name] for name in order}
    wrong = whole | {"conv_stem.weight": torch.zeros(32, 3, 5, 5)}
    with pytest.raises(WeightsError, match=r"conv_stem\.weight \[32, 3, 5, 5\]"):
        write_packaged_weights(packaged(tmp_path, monkeypatch, wrong), tmp_path / "shape")
    swapped = {name.replace("bn1.weight", "bn1.other"): tensor for name, tensor in whole.items()}
    with pytest.raises(WeightsError, match=r"bn1\.other"):
        write_packaged_weights(packaged(tmp_path, monkeypatch, swapped), tmp_path / "name")
    assert write_packaged_weights(packaged(tmp_path, monkeypatch, whole), tmp_path / "good").is_file()


def test_a_pickle_of_anything_else_is_refused_by_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = packaged(tmp_path, monkeypatch, {"a": Path("/")})  # type: ignore[dict-item]
    with pytest.raises(WeightsError, match="no tensors"):
        write_packaged_weights(weights, tmp_path / "weights")


def test_a_missing_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packaged_weights, "package_of", lambda weights: Folder(tmp_path))
    with pytest.raises(WeightsError, match=r"without efficientnet-lite0-57934424\.pth"):
        write_packaged_weights(LITE0, tmp_path)


def test_a_missing_package_says_how_to_install_it(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="pip install kindred-no-such-weights"):
        write_packaged_weights(replace(LITE0, package="kindred-no-such-weights"), tmp_path)


@pytest.mark.parametrize("weights", PACKAGED_WEIGHTS, ids=lambda weights: weights.architecture)
def test_the_table_has_the_sizes_of_timm(weights: PackagedWeights) -> None:
    described = weights.description()
    assert evaluation_sizes(weights.architecture) == {name: described[name] for name in ("crop", "short_side")}  # type: ignore[literal-required]
