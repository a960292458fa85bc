"""Backbones from timm, with weights from the hub or a local file, or random on purpose."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from mlcore.artifacts import read_json, sha256_of_file
from mlcore.errors import ProtocolError, WeightsError, brief
from mlcore.torchvision_repair import declare_missing_operators

declare_missing_operators()  # timm imports torchvision
import timm  # noqa: E402
from timm.layers import convert_sync_batchnorm  # type: ignore[attr-defined]  # noqa: E402

SCRATCH_MEAN = SCRATCH_STD = (0.5, 0.5, 0.5)


@dataclass(frozen=True)
class BackboneSpec:
    """How to build a backbone again, what its weights were, and the pixels that it expects."""

    architecture: str
    weights: str
    arguments: dict[str, Any] = field(default_factory=dict)
    weights_sha256: str = ""
    mean: tuple[float, ...] = SCRATCH_MEAN
    std: tuple[float, ...] = SCRATCH_STD

    def to_json(self) -> dict[str, Any]:
        """Return every field as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "BackboneSpec":
        """Return what `to_json` stored."""
        return cls(**{**values, "mean": tuple(values["mean"]), "std": tuple(values["std"])})


def build_backbone(spec: BackboneSpec) -> nn.Module:
    """Return the architecture with random weights, for weights that are loaded right after.

    Raises:
        ProtocolError: timm has no such architecture or it takes no such argument.
    """
    try:
        backbone: nn.Module = timm.create_model(spec.architecture, pretrained=False, num_classes=0, **spec.arguments)
    except (RuntimeError, TypeError) as error:
        raise ProtocolError(f"timm cannot build backbone {spec.architecture!r}: {brief(error)}") from error
    return backbone


def load_backbone(architecture: str, weights: str, path: Path | None) -> tuple[nn.Module, BackboneSpec]:
    """Return a backbone with the weights that a protocol names, and its description.

    weights: `scratch`, `hub`, `hub:TAG` or `local`; `path` is the safetensors file of `local`.

    Raises:
        WeightsError: the weights cannot be had or do not fit, or a file is given that the protocol
            does not ask for. Nothing falls back to random ones.
        ProtocolError: timm has no such architecture.
    """
    if not timm.is_model(architecture):
        raise ProtocolError(f"timm has no backbone named {architecture!r}")
    if path is not None and weights != "local":
        raise WeightsError(
            f"the protocol asks for {weights} weights and would not use {path.name}: "
            "set its weights to local, or leave the file out"
        )
    if weights == "scratch":
        spec = BackboneSpec(architecture, weights)
        return build_backbone(spec), spec
    if weights == "local":
        return _from_file(architecture, path)
    return _from_hub(architecture, weights)


def _from_hub(architecture: str, weights: str) -> tuple[nn.Module, BackboneSpec]:
    _, _, tag = weights.partition(":")
    name = f"{architecture}.{tag}" if tag else architecture
    try:
        backbone: nn.Module = timm.create_model(name, pretrained=True, num_classes=0)
    except (OSError, RuntimeError, ValueError) as error:
        raise WeightsError(
            f"the pre-trained weights of {name} could not be fetched from the hub "
            f"({type(error).__name__}). Connect to the network, or give a local file: "
            "--weights FILE.safetensors, with its description FILE.json beside it"
        ) from error
    config: dict[str, Any] = backbone.pretrained_cfg  # type: ignore[assignment]
    return backbone, BackboneSpec(
        architecture, f"hub:{config['tag']}" if config.get("tag") else "hub",
        mean=tuple(config["mean"]), std=tuple(config["std"]),
    )  # fmt: skip


def _from_file(architecture: str, path: Path | None) -> tuple[nn.Module, BackboneSpec]:
    if path is None:
        raise WeightsError("the protocol asks for local weights: give their file, --weights FILE.safetensors")
    described = _describe(path)
    if described["architecture"] != architecture:
        raise WeightsError(
            f"{path.name} holds {described['architecture']}, the protocol asks for {architecture}: "
            f"set the protocol's backbone to {described['architecture']}"
        )
    spec = BackboneSpec(
        architecture,
        "local",
        described.get("arguments", {}),
        sha256_of_file(path),
        tuple(described["mean"]),
        tuple(described["std"]),
    )
    backbone = build_backbone(spec)
    try:
        fit = backbone.load_state_dict(load_file(path), strict=False)
    except (SafetensorError, RuntimeError) as error:
        raise WeightsError(f"{path.name} does not fit {architecture}: {brief(error)}") from error
    if fit.missing_keys:
        raise WeightsError(f"{path.name} lacks {len(fit.missing_keys)} tensors, {fit.missing_keys[0]} for one")
    return backbone, spec


def _describe(path: Path) -> dict[str, Any]:
    beside = path.with_suffix(".json")
    for file in (path, beside):
        if not file.is_file():
            raise WeightsError(f"{file} is not there; weights are a .safetensors file with its .json beside it")
    try:
        described: dict[str, Any] = read_json(beside)
    except ValueError as error:
        raise WeightsError(f"{beside.name} is not JSON: {error}") from error
    for key in ("architecture", "mean", "std"):
        if key not in described:
            raise WeightsError(f"{beside.name} does not say {key!r}")
    return described


def local_architecture(path: Path) -> str:
    """Return the architecture that a local weights file holds, by its JSON."""
    return str(_describe(path)["architecture"])


def last_stage_parameters(backbone: nn.Module) -> list[nn.Parameter]:
    """Return the parameters of the last stage, as timm groups the layers of its architectures."""
    matcher = backbone.group_matcher(coarse=True)  # type: ignore[operator]
    groups = timm.models.group_parameters(backbone, matcher, reverse=True)
    last = max(groups.values())
    return [parameter for name, parameter in backbone.named_parameters() if groups[name] == last]


def freeze_batch_norm(module: nn.Module, *, affine: bool) -> None:
    """Put every BatchNorm in evaluation mode; with `affine`, its weights stop learning as well.

    To be called again after each `module.train()`, which undoes it.
    """
    for child in module.modules():
        if isinstance(child, nn.BatchNorm2d):
            child.eval()
            if affine:
                for parameter in child.parameters(recurse=False):
                    parameter.requires_grad_(False)


def synchronised_batch_norm(module: nn.Module) -> nn.Module:
    """Return the module with BatchNorms that take their statistics over all processes, each on its GPU.

    By timm: torch's own converter does not know the kind with an activation in it.
    """
    converted: nn.Module = convert_sync_batchnorm(module)  # type: ignore[no-untyped-call]
    return converted


def device() -> torch.device:
    """Return the GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
