"""Every pooling against plain NumPy, on grids and on tokens; average pooling against timm's own."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mlcore.config import CHOICES
from mlcore.errors import ProtocolError
from mlcore.networks.backbones import load_backbone
from mlcore.networks.embedder import Embedder
from mlcore.networks.pooling import PLAIN, FeaturePool, GeM

pytestmark = pytest.mark.usefixtures("one_thread")

CROP = 64


def embedder(architecture: str, pooling: str) -> Embedder:
    torch.manual_seed(0)
    return Embedder(*load_backbone(architecture, "scratch", None, CROP), pooling, None).eval()


def images() -> Tensor:
    return torch.randn(3, 3, CROP, CROP, generator=torch.Generator().manual_seed(1))


def places(count: int = 7) -> Tensor:
    return torch.randn(2, count, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(2))


def slow_gem(values: NDArray[np.float64], power: float) -> NDArray[np.float64]:
    """Return [B, C] of [B, N, C] by the formula, one number at a time."""
    batch, count, channels = values.shape
    pooled = np.empty((batch, channels))
    for b in range(batch):
        for c in range(channels):
            pooled[b, c] = (sum(max(values[b, n, c], 1e-6) ** power for n in range(count)) / count) ** (1 / power)
    return pooled


def gem(power: float) -> GeM:
    pool = GeM().double()
    with torch.no_grad():
        pool.power.fill_(power)
    return pool


@pytest.mark.parametrize("power", [0.5, 1.0, 3.0, 7.5])
def test_gem_equals_the_plain_formula(power: float) -> None:
    found = gem(power)(places()).detach().numpy()
    assert np.abs(found - slow_gem(places().numpy(), power)).max() < 1e-10


def test_gem_is_the_average_at_one_and_nears_the_maximum() -> None:
    positive = places().abs() + 0.1
    assert torch.allclose(gem(1.0)(positive), positive.mean(dim=1))
    assert torch.allclose(gem(300.0)(positive), positive.amax(dim=1), rtol=0.02)


def test_gem_learns_by_the_right_gradient() -> None:
    pool, values = gem(3.0), (places().abs() + 0.1).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x, p: torch.func.functional_call(pool, {"power": p}, x), (values, pool.power)
    )


@pytest.mark.parametrize("power", [3.0, 40.0])
def test_gem_of_a_dead_or_a_huge_channel_stays_finite(power: float) -> None:
    values = torch.stack([torch.zeros(5, 4), torch.full((5, 4), 1e4)]).requires_grad_()
    pool = gem(power).float()
    pooled = pool(values)
    pooled.sum().backward()
    assert torch.allclose(pooled, torch.tensor([[1e-6], [1e4]]).expand(2, 4), rtol=1e-4)
    assert pool.power.grad is not None and torch.isfinite(pool.power.grad)
    assert values.grad is not None and torch.isfinite(values.grad).all()


def test_every_pooling_of_the_protocol_is_there() -> None:
    assert set(CHOICES["pooling"]) == {*PLAIN, "gem"}


@pytest.mark.parametrize("pooling", ["average", "max", "average+max", "gem"])
@pytest.mark.parametrize("architecture", ["test_resnet", "test_efficientnet", "test_vit"])
def test_pooling_is_that_of_the_places_of_the_picture(architecture: str, pooling: str) -> None:
    network = embedder(architecture, pooling)
    with torch.no_grad():
        features = network.backbone.forward_features(images()).numpy()  # type: ignore[operator]
        found = network.features(images()).numpy()
    places = features.reshape(3, features.shape[1], -1).transpose(0, 2, 1) if features.ndim == 4 else features[:, 1:]
    assert places.shape[1] == (CROP // 16 if architecture == "test_vit" else CROP // 32) ** 2
    expected = {
        "average": places.mean(axis=1),
        "max": places.max(axis=1),
        "average+max": places.mean(axis=1) + places.max(axis=1),
        "gem": slow_gem(places.astype(np.float64), 3),
    }[pooling]
    assert np.abs(found - expected).max() < 1e-5


@pytest.mark.parametrize(
    "architecture", ["test_resnet", "test_efficientnet", "test_convnext", "vit_pwee_patch16_reg1_gap_256"]
)
def test_average_pooling_gives_what_timm_hands_to_its_classifier(architecture: str) -> None:
    network = embedder(architecture, "average")
    for parameter in network.backbone.parameters():  # norms that start as the identity would hide one left out
        nn.init.normal_(parameter, 0.5, 0.1)
    with torch.no_grad():
        assert torch.allclose(network(images()), network.backbone(images()), rtol=1e-4, atol=1e-5)


def test_the_class_token_is_what_timm_hands_to_the_classifier_of_a_vit() -> None:
    network = embedder("test_vit", "cls")
    with torch.no_grad():
        assert torch.allclose(network(images()), network.backbone(images()), atol=1e-6)


def test_register_tokens_are_no_place_of_the_picture() -> None:
    backbone = nn.Module()
    backbone.num_features, backbone.num_prefix_tokens = 4, 3  # type: ignore[assignment]
    tokens = torch.cat([torch.full((2, 3, 4), 1e6), torch.ones(2, 5, 4)], dim=1)
    assert torch.equal(FeaturePool("max", backbone, "own")(tokens), torch.ones(2, 4))


def test_a_grid_with_channels_last_is_pooled_over_its_places() -> None:
    backbone = nn.Module()
    backbone.num_features, backbone.output_fmt = 4, "NHWC"  # type: ignore[assignment]
    grid = torch.randn(2, 4, 4, 4, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(FeaturePool("average", backbone, "own")(grid), grid.mean(dim=(1, 2)))


@pytest.mark.parametrize("shape", [(2, 6), (2, 7, 5), (2, 5, 7, 7)])
def test_features_that_are_neither_grid_nor_tokens_are_refused(shape: tuple[int, ...]) -> None:
    backbone = nn.Module()
    backbone.num_features = 6  # type: ignore[assignment]
    with pytest.raises(ProtocolError, match="own gives features of shape .* only a grid or tokens of 6 channels"):
        FeaturePool("average", backbone, "own")(torch.zeros(shape))


@pytest.mark.parametrize("architecture", ["test_resnet", "test_convnext", "vit_pwee_patch16_reg1_gap_256"])
def test_a_backbone_without_a_class_token_cannot_pool_it(architecture: str) -> None:
    with pytest.raises(ProtocolError, match=f"{architecture} has no class token for pooling 'cls'; choose another"):
        embedder(architecture, "cls")


def test_an_unknown_pooling_lists_the_known_ones() -> None:
    with pytest.raises(ProtocolError, match="no pooling named 'median'; known: average, max, "):
        embedder("test_resnet", "median")


def test_the_power_of_gem_is_stored_with_the_network() -> None:
    network = embedder("test_resnet", "gem")
    assert [name for name in network.state_dict() if "power" in name] == ["pool.pool.power"]
    assert not list(embedder("test_resnet", "average+max").pool.parameters())
