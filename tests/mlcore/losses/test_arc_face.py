"""ArcFace against equation 3 of its paper, written out with loops, and beyond pi - margin."""

import math
from collections.abc import Sequence

import pytest
import torch
from pytorch_metric_learning import losses
from torch import Tensor

from mlcore.losses.arc_face import ArcFaceLoss, with_angular_margin
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


def raised(cos: float, margin: float) -> float:
    angle = math.acos(max(-1.0, min(1.0, cos)))
    return math.cos(angle + margin) if angle + margin < math.pi else cos - margin * math.sin(margin)


def formula(embeddings: Rows, proxies: Rows, labels: Sequence[int], margin: float = 0.5, scale: float = 64.0) -> float:
    logits = []
    for row, label in zip(cosines(embeddings, proxies), labels, strict=True):
        logits.append([scale * (raised(cos, margin) if name == label else cos) for name, cos in enumerate(row)])
    return softmax_cost(logits, labels)


@pytest.mark.parametrize("setting", [{}, {"margin": 0.0, "scale": 1.0}, {"margin": 1.4, "scale": 20.0}])
@pytest.mark.parametrize("seed", range(2))
def test_value_equals_the_papers_formula(setting: dict[str, float], seed: int) -> None:
    embeddings, proxies, labels = example(seed, batch=20)
    expected = formula(embeddings.tolist(), proxies.tolist(), labels.tolist(), **setting)
    found = loss_with("arc_face", proxies, **setting)(embeddings, labels).item()
    assert found == pytest.approx(expected, rel=0, abs=1e-9)


def test_gradients_pass_a_numerical_check_on_both_sides_of_pi_less_the_margin() -> None:
    embeddings, proxies, labels = example(0, batch=20)
    own = torch.cosine_similarity(embeddings, proxies[labels])
    assert 0 < (own.acos() > math.pi - 1.4).sum() < 20
    assert gradients_pass(loss_with("arc_face", proxies, margin=1.4, scale=5.0), embeddings, labels)


def test_the_margin_is_radians_where_pytorch_metric_learning_takes_degrees() -> None:
    embeddings, proxies, labels = example(2)
    other = losses.ArcFaceLoss(4, 6, margin=math.degrees(0.5), scale=64)
    other.W = torch.nn.Parameter(proxies.T.clone())
    found = loss_with("arc_face", proxies)(embeddings, labels).item()
    assert found == pytest.approx(other(embeddings, labels).item(), rel=0, abs=1e-9)


@pytest.mark.parametrize("margin", [0.0, 0.5, 1.5])
def test_the_true_classs_logit_falls_with_the_angle_from_0_to_pi(margin: float) -> None:
    angles = torch.linspace(0.01, math.pi - 0.01, 400, dtype=torch.float64)
    raised_cosines = with_angular_margin(angles.cos()[:, None], torch.zeros(400, dtype=torch.long), margin)[:, 0]
    assert (raised_cosines.diff() < 0).all()


@pytest.mark.parametrize("precision", [torch.float32, torch.float64])
@pytest.mark.parametrize("side", [1, -1], ids=["on the proxy", "opposite"])
def test_coinciding_vectors_have_the_formulas_cost_and_finite_gradients(side: int, precision: torch.dtype) -> None:
    axes, labels = torch.eye(3, dtype=precision), torch.arange(3)
    cost, *gradients = cost_and_gradients(loss_with("arc_face", axes), side * axes, labels)
    expected = formula((side * axes).tolist(), axes.tolist(), labels.tolist())
    assert cost == pytest.approx(expected, rel=1e-3, abs=1e-9)
    assert all(torch.isfinite(gradient).all() for gradient in gradients)


@pytest.mark.parametrize("side", [1, -1], ids=["on the proxy", "opposite"])
def test_vectors_that_coincide_but_for_rounding_have_bounded_gradients(side: int) -> None:
    proxies = example(3, classes=30, dim=64)[1].float()
    embeddings = side * torch.linspace(0.1, 7, 30)[:, None] * proxies
    own: Tensor = torch.cosine_similarity(embeddings, proxies)
    assert (own.abs() > 1 - 1e-6).all()
    _, *gradients = cost_and_gradients(loss_with("arc_face", proxies), embeddings, torch.arange(30))
    assert all(torch.isfinite(gradient).all() and gradient.abs().max() < 64 for gradient in gradients)


def test_a_batch_of_the_only_class_costs_nothing() -> None:
    embeddings, proxies, _ = example(4, classes=1)
    assert loss_with("arc_face", proxies)(embeddings, torch.zeros(9, dtype=torch.long)).item() == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"margin": 28.6}, "margin is in radians and must be from 0 to 1.5, got 28.6"),
        ({"margin": -0.1}, "margin is in radians"),
        ({"scale": 0}, "scale must be positive, got 0"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ArcFaceLoss(num_classes=3, dim=4, **arguments)
