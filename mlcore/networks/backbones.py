"""Backbones from timm, with weights from the hub or a local file, or random on purpose."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import timm
import torch
from huggingface_hub.errors import RepositoryNotFoundError
from safetensors import SafetensorError
from safetensors.torch import load_file
from timm.layers import convert_sync_batchnorm  # type: ignore[attr-defined]
from torch import nn

from mlcore.artifacts import sha256_of_file
from mlcore.errors import ProtocolError, WeightsError, brief
from mlcore.images.preprocessing import Preprocessing
from mlcore.networks.network_size import bounded_size
from mlcore.weights import describe_weights

# Arguments of timm's builder that are none of the architecture's: they would open other files, or other weights.
NOT_OF_THE_ARCHITECTURE = frozenset(
    {"checkpoint_path", "cache_dir", "pretrained", "pretrained_cfg", "pretrained_cfg_overlay", "num_classes"}
)
SCRATCH_MEAN = SCRATCH_STD = (0.5, 0.5, 0.5)


@dataclass(frozen=True)
class BackboneSpec:
    """How to build a backbone again, what its weights were, and the pixels that it expects."""

    architecture: str
    weights: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    weights_sha256: str = ""
    mean: tuple[float, ...] = SCRATCH_MEAN
    std: tuple[float, ...] = SCRATCH_STD
    interpolation: str = "bicubic"

    def to_json(self) -> dict[str, object]:
        """Return every field as plain JSON values."""
        return asdict(self)

    def preprocessing(self, short_side: int, crop: int) -> Preprocessing:
        """Return the preprocessing that the weights were trained with, at the sizes of a protocol."""
        return Preprocessing(short_side, crop, self.mean, self.std, self.interpolation)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "BackboneSpec":
        """Return what `to_json` stored."""
        return cls(**{**values, "mean": tuple(values["mean"]), "std": tuple(values["std"])})


def evaluation_sizes(architecture: str) -> dict[str, int]:
    """Return short_side and crop at which timm evaluates an architecture; empty where it never did.

    Raises:
        ProtocolError: timm has no such architecture.
    """
    _check_known(architecture)
    config = timm.get_pretrained_cfg(architecture)
    if config is None:
        return {}
    crop = int(config.input_size[-1])
    return {"crop": crop, "short_side": math.floor(crop / config.crop_pct)}


def check_on_hub(architecture: str, tag: str = "") -> None:
    """Refuse weights that timm does not name: nothing is asked of the network.

    Raises:
        ProtocolError: timm has no such architecture.
        WeightsError: it has no pre-trained weights of it, or none with that tag.
    """
    _check_known(architecture)
    names = [name for name in timm.list_pretrained(f"{architecture}*") if name.partition(".")[0] == architecture]
    tags = [name.partition(".")[2] for name in names]
    if not tags:
        raise WeightsError(f"timm has no pre-trained weights of {architecture}; choose another architecture")
    if tag and tag not in tags:
        raise WeightsError(f"timm has no weights {tag!r} of {architecture}; it has {', '.join(tags)}")


def _check_known(architecture: str) -> None:
    if not timm.is_model(architecture):
        raise ProtocolError(f"timm has no backbone named {architecture!r}")


def build_backbone(spec: BackboneSpec) -> nn.Module:
    """Return the architecture with random weights, for weights that are loaded right after.

    Raises:
        ProtocolError: timm has no such architecture or it takes no such argument.
    """
    for argument in NOT_OF_THE_ARCHITECTURE & spec.arguments.keys():
        raise ProtocolError(f"{argument} is no argument of {spec.architecture}; leave it out of the arguments")
    try:
        with bounded_size():
            backbone: nn.Module = timm.create_model(
                spec.architecture, pretrained=False, num_classes=0, **spec.arguments
            )
    # Arguments that an architecture did not expect make it raise nearly anything: KeyError, AttributeError...
    except Exception as error:
        kind = "" if isinstance(error, ValueError | RuntimeError) else f"{type(error).__name__}: "
        raise ProtocolError(
            f"timm cannot build backbone {spec.architecture!r} with these arguments: {kind}{brief(error)}"
        ) from error
    return backbone


def load_backbone(
    architecture: str, weights: str, path: Path | None, crop: int | None = None
) -> tuple[nn.Module, BackboneSpec]:
    """Return a backbone with the weights that a protocol names, and its description.

    weights: `scratch`, `hub`, `hub:TAG` or `local`; `path` is the safetensors file of `local`.
    crop: pixels; an architecture of fixed size is made to take them, None leaves it at its own size.

    Raises:
        WeightsError: the weights cannot be had or do not fit, or a file is given that the protocol
            does not ask for. Nothing falls back to random ones.
        ProtocolError: timm has no such architecture, or it cannot take pictures of that size.
    """
    _check_known(architecture)
    if path is not None and weights != "local":
        raise WeightsError(
            f"the protocol asks for {weights} weights and would not use {path.name}: "
            "set its weights to local, or leave the file out"
        )
    backbone, spec = _from_source(architecture, weights, path)
    if crop is not None:
        spec = _fit_size(crop, backbone, spec)
        _try_size(crop, backbone, spec)
    return backbone, spec


def _from_source(architecture: str, weights: str, path: Path | None) -> tuple[nn.Module, BackboneSpec]:
    if weights == "scratch":
        spec = BackboneSpec(architecture, weights)
        return build_backbone(spec), spec
    if weights == "local":
        return _from_file(architecture, path)
    return _from_hub(architecture, weights)


def _fit_size(crop: int, backbone: nn.Module, spec: BackboneSpec) -> BackboneSpec:
    """Make a transformer of fixed size take squares of `crop` pixels; return the description that builds it so.

    The position embeddings are resampled to the new grid of patches by timm.
    """
    config = timm.get_pretrained_cfg(spec.architecture)
    if config is None or not config.fixed_input_size:
        return spec
    if not (hasattr(backbone, "set_input_size") and hasattr(backbone, "num_prefix_tokens")):
        return spec  # windows of Swin and the like follow from the size: they stay as they were trained
    patch = int(backbone.patch_embed.patch_size[0])  # type: ignore[union-attr, index]
    if crop % patch:
        below = crop // patch * patch
        raise ProtocolError(
            f"crop {crop} is not a multiple of the {patch} px patches of {spec.architecture}; "
            f"set it to {max(below, patch)} or {below + patch}"
        )
    backbone.set_input_size((crop, crop))  # type: ignore[operator]
    return replace(spec, arguments={**spec.arguments, "img_size": crop})


def _try_size(crop: int, backbone: nn.Module, spec: BackboneSpec) -> None:
    """Refuse a crop of which nothing is left in the last layers, or that is not the one size of an architecture."""
    backbone.eval()  # no statistic moves, nothing random is drawn
    try:
        with torch.inference_mode():
            backbone.forward_features(torch.zeros(1, 3, crop, crop))  # type: ignore[operator]
    except (RuntimeError, AssertionError) as error:
        raise ProtocolError(f"{spec.architecture} cannot take a crop of {crop} px: {brief(error)}") from error
    backbone.train()


def _from_hub(architecture: str, weights: str) -> tuple[nn.Module, BackboneSpec]:
    _, _, tag = weights.partition(":")
    check_on_hub(architecture, tag)
    name = f"{architecture}.{tag}" if tag else architecture
    try:
        backbone: nn.Module = timm.create_model(name, pretrained=True, num_classes=0)
    except RepositoryNotFoundError as error:
        raise WeightsError(
            f"the hub does not give out the weights of {name} ({type(error).__name__}): they were removed, "
            "or their licence has to be accepted there, with the token in HF_TOKEN"
        ) from error
    except (OSError, RuntimeError, ValueError) as error:
        raise WeightsError(
            f"the pre-trained weights of {name} could not be fetched from the hub "
            f"({type(error).__name__}). Connect to the network, or give a local file: --weights FILE.safetensors"
        ) from error
    config: dict[str, Any] = backbone.pretrained_cfg  # type: ignore[assignment]
    return backbone, BackboneSpec(
        architecture, f"hub:{config['tag']}" if config.get("tag") else "hub",
        mean=tuple(config["mean"]), std=tuple(config["std"]), interpolation=config["interpolation"],
    )  # fmt: skip


def _from_file(architecture: str, path: Path | None) -> tuple[nn.Module, BackboneSpec]:
    if path is None:
        raise WeightsError("the protocol asks for local weights: give their file, --weights FILE.safetensors")
    described = describe_weights(path)
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
        described.get("interpolation", "bicubic"),
    )
    backbone = build_backbone(spec)
    try:
        fit = backbone.load_state_dict(load_file(path), strict=False)
    except (SafetensorError, RuntimeError) as error:
        raise WeightsError(f"{path.name} does not fit {architecture}: {brief(error)}") from error
    if fit.missing_keys:
        raise WeightsError(f"{path.name} lacks {len(fit.missing_keys)} tensors, {fit.missing_keys[0]} for one")
    return backbone, spec


def synchronised_batch_norm(module: nn.Module) -> nn.Module:
    """Return the module with BatchNorms that take their statistics over all processes, each on its GPU.

    By timm: torch's own converter does not know the kind with an activation in it.
    """
    converted: nn.Module = convert_sync_batchnorm(module)  # type: ignore[no-untyped-call]
    return converted


def device() -> torch.device:
    """Return the GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
