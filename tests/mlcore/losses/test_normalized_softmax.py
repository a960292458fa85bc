"""Normalised softmax against its formula, written out with loops."""

import math

import pytest
import torch

from mlcore.losses.normalized_softmax import NormalizedSoftmaxLoss

pytestmark = pytest.mark.usefixtures("one_thread")


def formula(embeddings: list[list[float]], proxies: list[list[float]], labels: list[int], temperature: float) -> float:
    def cosine(one: list[float], other: list[float]) -> float:
        lengths = math.hypot(*one) * math.hypot(*other)
        return math.fsum(a * b for a, b in zip(one, other, strict=True)) / lengths

    total = 0.0
    for row, label in zip(embeddings, labels, strict=True):
        shares = [math.exp(cosine(row, proxy) / temperature) for proxy in proxies]
        total -= math.log(shares[label] / math.fsum(shares))
    return total / len(embeddings)


@pytest.mark.parametrize("temperature", [0.05, 1.0])
def test_value_equals_the_formula(temperature: float) -> None:
    torch.manual_seed(0)
    loss = NormalizedSoftmaxLoss(num_classes=4, dim=6, temperature=temperature).double()
    embeddings, labels = 5 * torch.randn(7, 6, dtype=torch.float64), torch.arange(7) % 4
    expected = formula(embeddings.tolist(), loss.proxies.tolist(), labels.tolist(), temperature)
    assert loss(embeddings, labels).item() == pytest.approx(expected, rel=0, abs=1e-9)


def test_gradients_pass_a_numerical_check() -> None:
    torch.manual_seed(0)
    loss = NormalizedSoftmaxLoss(num_classes=3, dim=4).double()
    embeddings, labels = torch.randn(5, 4, dtype=torch.float64, requires_grad=True), torch.arange(5) % 3
    proxies = loss.proxies.detach().clone().requires_grad_()

    def as_function(points: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        value: torch.Tensor = torch.func.functional_call(loss, {"proxies": weights}, (points, labels))
        return value

    assert torch.autograd.gradcheck(as_function, (embeddings, proxies))


def test_a_temperature_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="temperature must be positive, got 0"):
        NormalizedSoftmaxLoss(num_classes=3, dim=4, temperature=0)
