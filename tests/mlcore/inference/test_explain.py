"""Maps against the model's own cosine, and pictures whose answer is known."""

import io
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from torch import Tensor, nn

from mlcore.errors import ExplanationError
from mlcore.images.preprocessing import Preprocessing
from mlcore.inference.encode import Encoder
from mlcore.inference.explain import explain_pair
from mlcore.inference.explanation import region_shares
from mlcore.inference.onnx_network import OnnxEncoder
from mlcore.networks.backbones import BackboneSpec, build_backbone, load_backbone
from mlcore.networks.embedder import Embedder
from tests.mlcore.onnx_models import onnx_model

pytestmark = pytest.mark.usefixtures("one_thread")
PLAIN = Preprocessing(60, 60, (0.0,) * 3, (1.0,) * 3)
SHARED = Path(os.environ.get("KINDRED_SHARED_DATA", Path(__file__).parents[4] / "shared" / "data"))
REAL = sorted(SHARED.glob("mobilenetv2_100.imagenet.safetensors"))  # at most one; none, no case to run


def encoder_of(architecture: str, pooling: str, dim: int | None, side: int = 64, **arguments: Any) -> Encoder:
    torch.manual_seed(0)
    spec = BackboneSpec(architecture, "scratch", arguments)
    embedder = Embedder(build_backbone(spec), spec, pooling, dim)
    with torch.no_grad():
        for parameter in embedder.parameters():  # norms start as identities and biases as 0: nothing to get wrong
            parameter.add_(0.2 * torch.randn_like(parameter) if parameter.dim() == 1 else 0)
            parameter.mul_(8 if parameter.dim() == 2 and "test_vit" in architecture else 1)  # else it attends to all
    return Encoder(embedder, spec.preprocessing(side, side))


def noise(seed: int, side: int = 64) -> Image.Image:
    fields = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)
    return Image.fromarray(fields).resize((side, side), Image.Resampling.BICUBIC)


def check_sums(encoder: Encoder, grid: tuple[int, int]) -> Any:
    first, second = noise(1), noise(2)
    found = explain_pair(encoder, first, second)
    unit = encoder.embed([first, second]).astype(np.float64)
    cosine = float(unit[0] @ unit[1])
    assert found.first.shape == found.second.shape == grid
    assert abs(found.score - cosine) < 1e-5
    assert abs(found.first.sum() - cosine) < 1e-5
    assert abs(found.second.sum() - cosine) < 1e-5
    return found


@pytest.mark.parametrize("dim", [8, None])
@pytest.mark.parametrize("pooling", ["average", "max", "average+max"])
@pytest.mark.parametrize(
    ("architecture", "arguments", "grid"),
    [
        ("test_resnet", {}, (2, 2)),
        ("test_vit", {"img_size": 64}, (4, 4)),
        ("swin_tiny_patch4_window7_224", {"img_size": 64, "embed_dim": 24, "depths": (1, 1, 1, 1)}, (2, 2)),
    ],
)
def test_the_map_sums_up_to_the_cosine(
    architecture: str, arguments: dict[str, Any], grid: tuple[int, int], pooling: str, dim: int | None
) -> None:
    found = check_sums(encoder_of(architecture, pooling, dim, **arguments), grid)
    assert found.exact and found.reason == ""


@pytest.mark.parametrize(
    ("architecture", "pooling", "said"),
    [
        ("test_resnet", "gem", "generalised-mean"),
        ("test_convnext", "average", "own spread"),
        ("test_convnext", "gem", "own spread"),
        ("test_vit", "cls", "class token"),
    ],
)
def test_what_is_no_sum_of_places_is_said_to_be_approximate(architecture: str, pooling: str, said: str) -> None:
    arguments = {"img_size": 64} if architecture == "test_vit" else {}
    encoder = encoder_of(architecture, pooling, 8, **arguments)
    found = explain_pair(encoder, noise(1), noise(2))
    assert not found.exact and said in found.reason
    check_sums(encoder, found.first.shape)  # type: ignore[arg-type]
    assert found.first.std() > 1e-6


def test_a_picture_explained_by_itself_gives_the_same_map_twice() -> None:
    found = explain_pair(encoder_of("test_resnet", "average+max", 8), noise(1), noise(1))
    assert np.allclose(found.first, found.second) and abs(found.score - 1) < 1e-9


class Fields(nn.Module):
    """A network whose features are the mean colours of 10 x 10 px fields: what it sees where is certain."""

    num_features = 3

    def forward_features(self, images: Tensor) -> Tensor:
        return nn.functional.avg_pool2d(images, 10)


def pasted(background: tuple[int, int, int], where: tuple[int, int]) -> Image.Image:
    picture = Image.new("RGB", (60, 60), background)
    picture.paste((255, 0, 0), (*where, where[0] + 20, where[1] + 20))
    return picture


@pytest.mark.parametrize("pooling", ["average", "max", "average+max"])
def test_the_one_thing_that_two_pictures_share_brings_the_whole_score(pooling: str) -> None:
    encoder = Encoder(Embedder(Fields(), BackboneSpec("fields", "scratch"), pooling, None), PLAIN)
    found = explain_pair(encoder, pasted((0, 255, 0), (0, 0)), pasted((0, 0, 255), (40, 40)))
    assert found.score > 0.01
    for shares, corner in ((found.first, (0, 0)), (found.second, (4, 4))):
        square = shares[corner[0] : corner[0] + 2, corner[1] : corner[1] + 2]
        assert abs(square.sum() - found.score) < 1e-9
        if pooling == "max":  # a tie of four fields: the first takes it
            assert abs(square[0, 0] - found.score) < 1e-9
    assert abs(region_shares(found.first)["top left"] - found.score) < 1e-9
    assert abs(region_shares(found.second)["bottom right"] - found.score) < 1e-9


def test_a_bias_is_spread_evenly() -> None:
    embedder = Embedder(Fields(), BackboneSpec("fields", "scratch"), "average", 1)
    with torch.no_grad():
        embedder.head.weight.fill_(0)  # type: ignore[union-attr, operator]
        embedder.head.bias.fill_(2)  # type: ignore[union-attr, operator]
    found = explain_pair(Encoder(embedder, PLAIN), pasted((0, 255, 0), (0, 0)), pasted((0, 0, 255), (40, 40)))
    assert found.score == 1 and np.allclose(found.first, 1 / 36)


def background(seed: int) -> Image.Image:
    """Soft clouds in colours of their own, which no other background shares."""
    random = np.random.default_rng(seed)
    fields = random.integers(0, 90, (4, 4, 3)) + random.integers(0, 160, 3)
    return (
        Image.fromarray(fields.astype(np.uint8))
        .resize((160, 160), Image.Resampling.BICUBIC)
        .filter(ImageFilter.GaussianBlur(4))
    )


def car() -> Image.Image:
    with zipfile.ZipFile(SHARED / "cars196_160_24pc.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
        return Image.open(io.BytesIO(archive.read(names[0]))).convert("RGB").resize((64, 64))


def corners(shares: NDArray[np.float64]) -> list[float]:
    """Return what the four corners of 3 x 3 places bring: top left, top right, bottom left, bottom right."""
    return [float(part.sum()) for half in (shares[:3], shares[2:]) for part in (half[:, :3], half[:, 2:])]


@pytest.mark.parametrize("pooling", ["average", "max", "average+max"])
@pytest.mark.parametrize("weights", REAL, ids=lambda path: path.name)
def test_real_weights_find_the_car_in_the_corner(weights: Path, pooling: str) -> None:
    backbone, spec = load_backbone("mobilenetv2_100", "local", weights, 160)
    encoder = Encoder(Embedder(backbone, spec, pooling, None), spec.preprocessing(160, 160))
    first, second = background(1), background(2)
    first.paste(car(), (0, 0))
    second.paste(car(), (96, 96))
    found = explain_pair(encoder, first, second)
    assert found.first.shape == (5, 5)  # a place of 32 px; the car covers two, and a third sees it
    assert corners(found.first)[0] == max(corners(found.first)) > 0.8 * found.score
    assert corners(found.second)[3] == max(corners(found.second)) > 0.8 * found.score


def test_nine_regions_sum_up_to_the_map() -> None:
    shares: NDArray[np.float64] = np.random.default_rng(0).normal(size=(5, 7))
    assert abs(sum(region_shares(shares).values()) - shares.sum()) < 1e-12
    thirds = region_shares(np.arange(9.0).reshape(3, 3))
    assert list(thirds.items())[:3] == [("top left", 0.0), ("top", 1.0), ("top right", 2.0)]
    assert region_shares(np.ones((1, 1)))["centre"] == pytest.approx(1 / 9)


def test_a_network_in_onnx_is_refused_with_a_sentence() -> None:
    preprocessing = Preprocessing(32, 30, (0.4, 0.5, 0.6), (0.2, 0.3, 0.4))
    encoder = OnnxEncoder(onnx_model().SerializeToString(), preprocessing)
    with pytest.raises(ExplanationError, match="only what this network answers can be seen"):
        explain_pair(encoder, noise(1), noise(2))
