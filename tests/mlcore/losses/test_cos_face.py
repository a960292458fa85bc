"""CosFace against equation 4 of its paper, written out with loops."""

from collections.abc import Sequence

import pytest
import torch

from mlcore.losses.cos_face import CosFaceLoss
from tests.mlcore.losses.proxies import (
    Rows,
    cosines,
    cost_and_gradients,
    example,
    gradients_pass,
    loss_with,
    softmax_cost,
)

pytestmark = pytest.mark.usefixtures("one_thread")


def formula(embeddings: Rows, proxies: Rows, labels: Sequence[int], margin: float = 0.35, scale: float = 64.0) -> float:
    logits = []
    for row, label in zip(cosines(embeddings, proxies), labels, strict=True):
        logits.append([scale * (cos - margin if name == label else cos) for name, cos in enumerate(row)])
    return softmax_cost(logits, labels)


@pytest.mark.parametrize("setting", [{}, {"margin": 0.0, "scale": 1.0}, {"margin": 1.2, "scale": 20.0}])
@pytest.mark.parametrize("seed", range(2))
def test_value_equals_the_papers_formula(setting: dict[str, float], seed: int) -> None:
    embeddings, proxies, labels = example(seed)
    expected = formula(embeddings.tolist(), proxies.tolist(), labels.tolist(), **setting)
    found = loss_with("cos_face", proxies, **setting)(embeddings, labels).item()
    assert found == pytest.approx(expected, rel=0, abs=1e-9)


def test_gradients_pass_a_numerical_check() -> None:
    embeddings, proxies, labels = example(1)
    assert gradients_pass(loss_with("cos_face", proxies, scale=10.0), embeddings, labels)


@pytest.mark.parametrize("side", [1, -1], ids=["on the proxy", "opposite"])
def test_coinciding_vectors_have_the_formulas_cost_and_finite_gradients(side: int) -> None:
    axes, labels = torch.eye(3), torch.arange(3)
    cost, *gradients = cost_and_gradients(loss_with("cos_face", axes), side * axes, labels)
    assert cost == pytest.approx(formula((side * axes).tolist(), axes.tolist(), labels.tolist()), abs=1e-5)
    assert all(torch.isfinite(gradient).all() for gradient in gradients)


def test_a_batch_of_the_only_class_costs_nothing() -> None:
    embeddings, proxies, _ = example(3, classes=1)
    assert loss_with("cos_face", proxies)(embeddings, torch.zeros(9, dtype=torch.long)).item() == 0


def test_a_scale_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="scale must be positive, got 0"):
        CosFaceLoss(num_classes=3, dim=4, scale=0)
