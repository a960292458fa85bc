"""Protocol: all settings that the runs of an experiment share; and the presets."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self

from mlcore.errors import ProtocolError, shortened

CHOICES = {
    "pooling": ("average", "max", "average+max", "gem", "cls"),
    "head_init": ("random", "half-whitened-pca"),
    "trains": ("all", "last_stage", "head"),
    "optimizer": ("adam", "adamw", "rmsprop"),
    "schedule": ("constant", "cosine", "step"),
    "batch_norm": ("frozen", "frozen-statistics", "trained"),
    "precision": ("float32", "bfloat16"),
    "selection": ("last", "validation"),
    "feature_engine": ("torch", "onnxruntime"),
}
AT_LEAST = {
    "dim": 2,
    "short_side": 16,
    "crop": 16,
    "batch_size": 2,
    "samples_per_class": 2,
    "epochs": 1,
    "warmup_epochs": 0,
    "step_epochs": 1,
    "batches_per_epoch": 0,
    "validation_classes": 0,
    "folds": 0,
    "patience": 0,
    "memory": 0,
    "memory_warmup_epochs": 0,
    "nested_from": 0,
    "weight_decay": 0,
    "horizontal_flip": 0,
}
ABOVE_ZERO = (
    "crop_scale",
    "learning_rate",
    "head_rate_factor",
    "proxy_rate_factor",
    "adam_eps",
    "step_factor",
)
SHARES = ("crop_scale", "horizontal_flip")
"""Fields of at most 1."""

# What a new protocol may ask for at most; see Protocol.bounded. Stored ones are read whatever they say.
AT_MOST: dict[str, float] = {
    "dim": 8192,
    "crop": 2048,
    "short_side": 2048,
    "samples_per_class": 1024,
    "batch_size": 16_384,
    "epochs": 10_000,
    "warmup_epochs": 10_000,
    "step_epochs": 10_000,
    "batches_per_epoch": 1_000_000,
    "validation_classes": 100_000,
    "folds": 1000,
    "patience": 10_000,
    "memory": 1_000_000,
    "memory_warmup_epochs": 10_000,
    "nested_from": 8192,
    "weight_decay": 100,
    "learning_rate": 100,
    "head_rate_factor": 1_000_000,
    "proxy_rate_factor": 1_000_000,
    "adam_eps": 1,
    "step_factor": 10,
}
_LONGEST_NAME = 80
_ARCHITECTURE = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)?")
_TAG = re.compile(r"[A-Za-z0-9_.-]+")


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """Everything that the runs of one experiment share; stored with each of them.

    Runs differ only in the loss, its own parameters, its sampler and the seed.

    backbone: a timm architecture. weights: `scratch` (random, on purpose), `hub` or `hub:TAG` (timm's pre-trained
    weights), or `local` (a safetensors file with its JSON, given when the run starts; its hash is stored).
    pooling: of the backbone's grid or patches; `gem` learns its power with the head, unless only the
    head trains: then it stays 3. `cls` is the class token of a transformer.
    short_side, crop: pixels; the cache and the evaluation use the short side, the centre `crop`
    square is what the network sees. crop_scale: least share of the area that a random training
    crop covers; 1 turns random crops off. horizontal_flip: probability that a training picture is
    mirrored left to right; 0 turns flips off.
    trains: `head` freezes the backbone; its features are computed once and cached.
    learning_rate is the backbone's; head and proxies multiply it by their factors, the same for every loss.
    warmup_epochs: first epochs in which the backbone rests. batch_norm: `frozen` keeps statistics and affine weights,
    `frozen-statistics` lets the affine weights learn. batches_per_epoch: 0 goes through the pictures once.
    validation_classes: the last so many training classes are held out of training. folds: the
    training classes are divided into so many folds, and each run holds one of them out instead.
    `selection=validation` keeps the epoch with the best MAP@R on the classes held out; patience ends
    a training after so many epochs without a better one, 0 never does.
    optimizer: `rmsprop` has a momentum of 0.9; adam_eps is the eps of all three.
    memory: so many embeddings of earlier batches that losses on pairs and triplets compare a batch with
    too; 0 for none. It rests, while it fills, in the first memory_warmup_epochs.
    nested_from: the loss is the mean over the first so many coordinates of the embedding, twice as many, and so on up
    to all; 0 trains all of them alone.
    feature_engine: what computes cached features on a CPU; they differ in the last digits. A GPU takes torch.
    """

    name: str
    backbone: str
    weights: str = "hub"
    dim: int = 128
    pooling: str = "average+max"
    head_init: str = "random"
    short_side: int = 256
    crop: int = 224
    crop_scale: float = 0.16
    horizontal_flip: float = 0.5
    trains: str = "all"
    batch_size: int = 64
    samples_per_class: int = 4
    epochs: int = 10
    batches_per_epoch: int = 0
    warmup_epochs: int = 1
    optimizer: str = "adamw"
    adam_eps: float = 1e-8
    learning_rate: float = 1e-4
    head_rate_factor: float = 1.0
    proxy_rate_factor: float = 100.0
    weight_decay: float = 1e-4
    schedule: str = "cosine"
    step_epochs: int = 10
    step_factor: float = 0.5
    batch_norm: str = "frozen"
    precision: str = "float32"
    selection: str = "last"
    validation_classes: int = 0
    folds: int = 0
    patience: int = 0
    memory: int = 0
    memory_warmup_epochs: int = 1
    nested_from: int = 0
    feature_engine: str = "torch"

    def __post_init__(self) -> None:
        """Refuse a value out of range, naming the field and the way out."""
        self._check_each()
        self._check_together()

    def _check_each(self) -> None:
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise ProtocolError(f"{name} must be one of {', '.join(choices)}; got {getattr(self, name)!r}")
        for name, least in AT_LEAST.items():
            if not least <= getattr(self, name) < math.inf:
                raise ProtocolError(f"{name} must be at least {least} and finite, got {shortened(getattr(self, name))}")
        for name in ABOVE_ZERO:
            if not 0 < getattr(self, name) < math.inf:
                raise ProtocolError(f"{name} must be positive and finite, got {getattr(self, name)!r}")
        for name in SHARES:
            if getattr(self, name) > 1:
                raise ProtocolError(f"{name} must be at most 1, got {getattr(self, name)!r}")
        if self.weights not in ("scratch", "hub", "local") and not self.weights.startswith("hub:"):
            raise ProtocolError(f"weights must be scratch, hub, hub:TAG or local; got {self.weights!r}")

    def _check_together(self) -> None:
        if self.crop > self.short_side:
            raise ProtocolError(f"crop {shortened(self.crop)} must not exceed short_side {shortened(self.short_side)}")
        if self.batch_size < 2 * self.samples_per_class:
            raise ProtocolError(
                f"batch_size {self.batch_size} holds fewer than two classes of "
                f"samples_per_class {shortened(self.samples_per_class)}"
            )
        if self.memory and self.memory_warmup_epochs >= self.epochs:
            raise ProtocolError(
                f"memory {shortened(self.memory)} would rest through all epochs ({self.epochs}); "
                f"lower memory_warmup_epochs, {shortened(self.memory_warmup_epochs)}, or set memory to 0"
            )
        if self.nested_from == 1 or self.nested_from > self.dim:
            raise ProtocolError(
                f"nested_from must be 0 for none, or from 2 to dim, {shortened(self.dim)}; "
                f"got {shortened(self.nested_from)}"
            )
        self._check_held_out()

    def _check_held_out(self) -> None:
        if self.folds == 1:
            raise ProtocolError("folds must be 0 for none, or at least 2; got 1")
        if self.folds and self.validation_classes:
            raise ProtocolError("folds hold classes out by themselves; set validation_classes to 0")
        if self.selection == "validation" and not (self.validation_classes or self.folds):
            raise ProtocolError("selection 'validation' needs validation_classes of at least 1, or folds")
        if self.patience and self.selection != "validation":
            raise ProtocolError("patience watches the validation classes; set selection to validation")

    def bounded(self) -> Self:
        """Return the same protocol if it may be run anew.

        Raises:
            ProtocolError: a field is above its bound, or the backbone cannot be one of timm's.
        """
        for name, most in AT_MOST.items():
            if getattr(self, name) > most:
                raise ProtocolError(f"{name} must be at most {most:,}, got {shortened(getattr(self, name))}")
        if len(self.name) > _LONGEST_NAME:
            raise ProtocolError(f"name must have at most {_LONGEST_NAME} letters, got {len(self.name)}")
        if not _ARCHITECTURE.fullmatch(self.backbone):
            raise ProtocolError(
                f"backbone must be an architecture of timm, such as resnet50; got {shortened(self.backbone)}"
            )
        if not _TAG.fullmatch(self.weights.removeprefix("hub:")):
            raise ProtocolError(f"weights must be scratch, hub, hub:TAG or local; got {shortened(self.weights)}")
        return self

    def to_json(self) -> dict[str, object]:
        """Return every field as plain JSON values."""
        return asdict(self)

    def identity(self) -> dict[str, object]:
        """Return what tells two protocols apart, the same before and after a field was added."""
        return {name: value for name, value in asdict(self).items() if name not in LATER or value != LATER[name](self)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the protocol stored by `to_json`; unknown, missing or mistyped fields raise ProtocolError.

        A field that did not exist yet has the value at which it changes nothing.
        """
        for required in ("name", "backbone"):
            if required not in values:
                raise ProtocolError(f"a protocol needs a {required}")
        protocol = cls(**_converted(values))
        return replace(protocol, **{name: before(protocol) for name, before in LATER.items() if name not in values})

    def with_changes(self, **changes: object) -> Self:
        """Return a copy with some fields changed, each converted to its field's type."""
        return replace(self, **_converted(changes))


LATER: Mapping[str, Callable[[Protocol], Any]] = {
    "memory": lambda protocol: 0,
    "memory_warmup_epochs": lambda protocol: 1,
    "nested_from": lambda protocol: 0,
    "feature_engine": lambda protocol: "torch",
    "horizontal_flip": lambda protocol: 0.0 if protocol.crop_scale == 1 else 0.5,
}
"""Fields that came after the first runs were stored, and what these did: what was begun without them has to go on."""


def _converted(values: Mapping[str, object]) -> dict[str, Any]:
    kinds: Mapping[str, Any] = {field.name: field.type for field in fields(Protocol)}
    for name in values:
        if name not in kinds:
            raise ProtocolError(f"a protocol has no field {name!r}; it has {', '.join(kinds)}")
    return {name: _convert(name, kinds[name], value) for name, value in values.items()}


def _convert(name: str, kind: type, value: object) -> object:
    """Return `value`, perhaps a text from a form or a command line, in its field's type."""
    try:
        converted: object = kind(value)
    except (TypeError, ValueError, OverflowError):
        converted = None
    wrong_text = kind is str and not isinstance(value, str)
    cut = kind is int and isinstance(value, float) and converted != value
    if converted is None or wrong_text or cut:
        raise ProtocolError(f"{name} must be {'text' if kind is str else _A[kind]}, got {shortened(value)}")
    return converted


_A = {int: "a whole number", float: "a number"}


_PRESETS = (
    Protocol(
        name="demo",
        backbone="resnet10t",
        weights="scratch",
        dim=64,
        short_side=96,
        crop=96,
        crop_scale=0.4,
        batch_size=32,
        epochs=16,
        warmup_epochs=0,
        learning_rate=1e-3,
        proxy_rate_factor=10.0,
        batch_norm="trained",
    ),
    Protocol(
        name="frozen-features",
        backbone="mobilenetv2_100",
        dim=512,
        pooling="average",
        head_init="half-whitened-pca",
        short_side=160,
        crop=160,
        crop_scale=1.0,
        horizontal_flip=0.0,
        trains="head",
        batch_size=120,
        epochs=20,
        warmup_epochs=0,
        learning_rate=5e-4,  # how these two were chosen: docs/choosing.md
        proxy_rate_factor=20.0,
        feature_engine="onnxruntime",
    ),
    Protocol(
        name="fine-tune-small",  # how it was chosen: docs/choosing.md
        backbone="mobilenetv2_100",
        head_init="half-whitened-pca",
        short_side=160,
        crop=160,
        learning_rate=2e-4,
        head_rate_factor=2.5,
        proxy_rate_factor=50.0,
    ),
    # DINOv2 as it was trained; backbone=vit_small_patch16_dinov3 or vit_base_patch16_siglip_224 are others of its kind.
    # 256 dimensions are fewer than the features of each.
    Protocol(
        name="foundation-frozen",
        backbone="vit_small_patch14_dinov2",
        dim=256,
        pooling="average",
        head_init="half-whitened-pca",
        crop_scale=1.0,
        horizontal_flip=0.0,
        trains="head",
        batch_size=120,
        epochs=20,
        warmup_epochs=0,
    ),
    # Ermolov et al. 2022: ViT-S, 128 dimensions, AdamW 3e-5, weight decay 0.01. Their batch of 900 is 128 here, and
    # their clipping of gradients is left out. Not tuned here.
    Protocol(
        name="vit-fine-tune",
        backbone="vit_small_patch16_224",
        pooling="cls",
        head_init="half-whitened-pca",
        crop_scale=0.2,
        batch_size=128,
        learning_rate=3e-5,
        head_rate_factor=10.0,
        proxy_rate_factor=300.0,
        weight_decay=0.01,
    ),
    # Musgrave et al. 2020, class-disjoint cross-validation. What differs from the paper: ResNet-50 (timm has
    # no BN-Inception), losses at their defaults or tuned by fewer trials, and losses that classify draw
    # random batches, not one picture a class. Each fold gives 128 dimensions; the report joins them.
    Protocol(
        name="reality-check",
        backbone="resnet50",
        pooling="average",
        crop=227,
        batch_size=32,
        epochs=1000,
        batches_per_epoch=100,
        warmup_epochs=0,
        optimizer="rmsprop",
        learning_rate=1e-6,
        proxy_rate_factor=1000.0,
        schedule="constant",
        selection="validation",
        folds=4,
        patience=9,
    ),
    # Kim et al. 2020, README: AdamW 1e-4, proxies x100, batch 120, halved every 5 epochs on CUB,
    # 5 epochs of warm-up with ResNet-50. Evaluated after the last epoch, not at the best on test.
    Protocol(
        name="proxy-anchor-quick",
        backbone="resnet50",
        dim=512,
        batch_size=120,
        crop_scale=0.08,
        epochs=60,
        warmup_epochs=5,
        schedule="step",
        step_epochs=5,
    ),
)
PRESETS: dict[str, Protocol] = {preset.name: preset for preset in _PRESETS}


def ladder(dims: int, smallest: int) -> tuple[int, ...]:
    """Return `smallest`, twice that, and so on below `dims`, then `dims` itself: 8, 16, 32, 50 of 50 from 8 on."""
    steps = []
    while smallest < dims:
        steps.append(smallest)
        smallest *= 2
    return (*steps, dims)


def preset(name: str) -> Protocol:
    """Return a named protocol. Raises ProtocolError listing the known names."""
    try:
        return PRESETS[name]
    except KeyError:
        raise ProtocolError(f"no protocol named {name!r}; known: {', '.join(PRESETS)}") from None
