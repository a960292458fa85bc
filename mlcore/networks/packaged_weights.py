"""Conversion of pre-trained weights in packages: checked by SHA-256, then written as safetensors for timm."""

import io
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from pickle import UnpicklingError

import timm
import torch
from safetensors.torch import save
from torch import Tensor

from mlcore.artifacts import write_json, write_whole
from mlcore.errors import WeightsError, brief
from mlcore.weights import PackagedWeights, converted_file, package_of

_READABLE = 0o644  # by other users too, as the JSON is


def write_packaged_weights(weights: PackagedWeights, folder: Path) -> Path:
    """Convert the weights of an installed package into `folder`, unless they are there; return the safetensors file.

    Its JSON and the package's licence lie beside it. A reader sees each file whole or not at all, and the
    weights last.

    Raises:
        WeightsError: the package is not installed, or its file is not the known one or does not fit.
    """
    if (file := converted_file(weights, folder)) is not None:
        return file
    target, package = folder / f"{weights.name}.safetensors", package_of(weights)
    if package is None:
        raise WeightsError(f"the package {weights.package} is not installed; install it: pip install {weights.package}")
    tensors = _timm_tensors(weights, _read_checked(weights, Path(str(package.locate_file(weights.file)))))
    folder.mkdir(parents=True, exist_ok=True)
    licence = (package.read_text("LICENSE") or weights.licence).encode()
    write_whole(target.with_suffix(".LICENSE.txt"), licence, _READABLE)
    write_json(target.with_suffix(".json"), weights.description())
    write_whole(target, save(tensors, {"format": "pt"}), _READABLE)
    return target


def _read_checked(weights: PackagedWeights, file: Path) -> Mapping[str, Tensor]:
    """Return the tensors of a pickled file: the one exception to reading none, after its checksum was compared."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise WeightsError(
            f"{weights.package} is installed without {file.name}; install it again: "
            f"pip install --force-reinstall {weights.package}"
        ) from error
    if sha256(content).hexdigest() != weights.sha256:
        raise WeightsError(
            f"{file.name} of {weights.package} has another SHA-256 than {weights.sha256}, so it is not read; "
            f"install it again: pip install --force-reinstall {weights.package}"
        )
    try:
        tensors: Mapping[str, Tensor] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise WeightsError(f"{file.name} of {weights.package} has no tensors alone: {brief(error)}") from error
    return tensors


def _timm_tensors(weights: PackagedWeights, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors under the names that timm gives them; both lists are in the order of the layers."""
    expected = timm.create_model(weights.architecture, pretrained=False).state_dict()
    if len(tensors) != len(expected):
        raise WeightsError(
            f"{weights.package} has {len(tensors)} tensors, {weights.architecture} has {len(expected)}: they do not fit"
        )
    for (ours, tensor), (name, like) in zip(tensors.items(), expected.items(), strict=True):
        if tensor.shape != like.shape or ours.rpartition(".")[2] != name.rpartition(".")[2]:
            raise WeightsError(
                f"{ours} {list(tensor.shape)} of {weights.package} does not fit "
                f"{name} {list(like.shape)} of {weights.architecture}"
            )
    return {name: tensor.contiguous() for name, tensor in zip(expected, tensors.values(), strict=True)}
