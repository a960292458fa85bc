"""Proxy-NCA++ against its formula, and against the losses that it equals."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from mlcore.losses.proxy_nca_plus_plus import ProxyNcaPlusPlusLoss
from tests.mlcore.losses.proxies import Rows, cost_and_gradients, example, gradients_pass, loss_with, softmax_cost

pytestmark = pytest.mark.usefixtures("one_thread")


def unit(row: Sequence[float]) -> list[float]:
    length = sum(x * x for x in row) ** 0.5
    return [x / length for x in row]


def formula(embeddings: Rows, proxies: Rows, labels: Sequence[int], scale: float = 9.0) -> float:
    pictures, classes = [unit(row) for row in embeddings], [unit(row) for row in proxies]
    squared = [[sum((a - b) ** 2 for a, b in zip(x, p, strict=True)) for p in classes] for x in pictures]
    return softmax_cost([[-scale * distance for distance in row] for row in squared], labels)


@pytest.mark.parametrize("scale", [9.0, 1.0, 40.0])
def test_value_equals_the_papers_formula(scale: float) -> None:
    embeddings, proxies, labels = example(0)
    expected = formula(embeddings.tolist(), proxies.tolist(), labels.tolist(), scale)
    found = loss_with("proxy_nca_plus_plus", proxies, scale=scale)(embeddings, labels).item()
    assert found == pytest.approx(expected, rel=0, abs=1e-9)


def test_gradients_pass_a_numerical_check() -> None:
    embeddings, proxies, labels = example(1)
    assert gradients_pass(loss_with("proxy_nca_plus_plus", proxies), embeddings, labels)


EQUALS: dict[str, dict[str, float]] = {
    "normalized_softmax": {"temperature": 1 / 18},
    "soft_triple": {"centers": 1, "scale": 18.0, "margin": 0.0},
    "cos_face": {"scale": 18.0, "margin": 0.0},
    "arc_face": {"scale": 18.0, "margin": 0.0},
    "sub_center_arc_face": {"centers": 1, "scale": 18.0, "margin": 0.0},
}


@pytest.mark.parametrize("name", EQUALS)
def test_it_is_the_same_loss_at_equal_temperature_as(name: str) -> None:
    embeddings, proxies, labels = example(2)
    weights = proxies[:, None] if "centers" in EQUALS[name] else proxies
    ours = cost_and_gradients(loss_with("proxy_nca_plus_plus", proxies), embeddings, labels)
    theirs = cost_and_gradients(loss_with(name, weights, **EQUALS[name]), embeddings, labels)
    assert ours[0] == pytest.approx(theirs[0], rel=0, abs=1e-12)
    assert torch.allclose(ours[1], theirs[1], rtol=0, atol=1e-12)
    assert torch.allclose(ours[2], theirs[2].reshape(proxies.shape), rtol=0, atol=1e-12)


@pytest.mark.parametrize("precision", [torch.float32, torch.float64])
def test_pictures_on_their_proxies_have_finite_gradients(precision: torch.dtype) -> None:
    _, proxies, _ = example(3)
    weights = proxies.to(precision)
    same: Tensor = torch.cat([weights, 2 * weights])
    cost, *gradients = cost_and_gradients(loss_with("proxy_nca_plus_plus", weights), same, torch.arange(8) % 4)
    assert cost >= 0 and all(torch.isfinite(gradient).all() for gradient in gradients)


def test_a_batch_of_the_only_class_costs_nothing() -> None:
    embeddings, proxies, _ = example(4, classes=1)
    assert loss_with("proxy_nca_plus_plus", proxies)(embeddings, torch.zeros(9, dtype=torch.long)).item() == 0


def test_a_scale_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="scale must be positive, got 0"):
        ProxyNcaPlusPlusLoss(num_classes=3, dim=4, scale=0)
