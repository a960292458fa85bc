"""Pooling and the half-whitened start against plain NumPy."""

import json

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from mlcore.errors import ProtocolError
from mlcore.networks.backbones import BackboneSpec, build_backbone
from mlcore.networks.embedder import Embedder, half_whitened_pca, start_head_from_pca

pytestmark = pytest.mark.usefixtures("one_thread")


def embedder(pooling: str = "average", dim: int | None = 8, architecture: str = "test_resnet") -> Embedder:
    torch.manual_seed(0)
    spec = BackboneSpec(architecture, "scratch")
    return Embedder(build_backbone(spec), spec, pooling, dim).eval()


def images() -> torch.Tensor:
    return torch.randn(3, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def test_without_a_head_the_features_are_the_embedding() -> None:
    network = embedder(dim=None)
    assert network.dim == network.num_features
    assert torch.equal(network(images()), network.features(images()))


@pytest.mark.parametrize("dim", [8, None])
def test_it_is_built_again_from_json(dim: int | None) -> None:
    network = embedder("gem", dim)
    again = Embedder.from_json(json.loads(json.dumps(network.to_json()))).eval()
    again.load_state_dict(network.state_dict())
    assert torch.equal(again(images()), network(images()))


def some_features(count: int = 60, width: int = 12, rank: int = 12) -> NDArray[np.float32]:
    random = np.random.default_rng(0)
    spread = random.normal(size=(rank, width)) * np.geomspace(5, 0.1, rank)[:, None]
    return (random.normal(size=(count, rank)) @ spread + 3).astype(np.float32)


def test_half_whitening_equals_the_plain_formula() -> None:
    features, dim = some_features(), 5
    weight, bias = half_whitened_pca(features, dim)
    found = features @ weight.numpy().T + bias.numpy()
    values = features.astype(np.float64)
    variances, directions = np.linalg.eigh(np.cov(values, rowvar=False))
    largest = np.argsort(variances)[::-1][:dim]
    projected = (values - values.mean(axis=0)) @ directions[:, largest]
    expected = projected / variances[largest] ** 0.25  # the square root of a standard deviation
    signs = np.sign((found * expected).sum(axis=0))  # a direction has no sign of its own
    assert np.abs(found - expected * signs).max() < 1e-4
    assert np.allclose(found.std(axis=0, ddof=1), variances[largest] ** 0.25, rtol=1e-4)


def test_features_of_low_rank_give_finite_weights() -> None:
    weight, bias = half_whitened_pca(some_features(rank=3), 6)
    assert torch.isfinite(weight).all() and torch.isfinite(bias).all()


@pytest.mark.parametrize(("count", "width", "most"), [(5, 12, 4), (60, 12, 12)])
def test_more_dimensions_than_there_can_be_are_refused(count: int, width: int, most: int) -> None:
    features = some_features(count, width)
    half_whitened_pca(features, most)
    with pytest.raises(ProtocolError, match=f"dim {most + 1} is more than .* lower dim to {most} or start"):
        half_whitened_pca(features, most + 1)


def test_a_head_starts_from_the_features() -> None:
    network = embedder(dim=4)
    features = np.random.default_rng(0).normal(size=(20, network.num_features)).astype(np.float32)
    start_head_from_pca(network, features)
    weight, bias = half_whitened_pca(features, 4)
    assert torch.equal(network.head.weight, weight) and torch.equal(network.head.bias, bias)


def test_a_network_without_a_head_cannot_start_one() -> None:
    with pytest.raises(ProtocolError, match="no head to start"):
        start_head_from_pca(embedder(dim=None), some_features())
