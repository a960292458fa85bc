"""Sub-center ArcFace against its formula, written out with loops."""

import math
from collections.abc import Sequence

import pytest
import torch

from mlcore.losses.sub_center_arc_face import SubCenterArcFaceLoss
from tests.mlcore.losses.proxies import (
    Rows,
    cosine,
    cost_and_gradients,
    example,
    gradients_pass,
    loss_with,
    softmax_cost,
)

pytestmark = pytest.mark.usefixtures("one_thread")


def formula(
    embeddings: Rows, centers: Sequence[Rows], labels: Sequence[int], margin: float = 0.5, scale: float = 64.0
) -> float:
    logits = []
    for row, label in zip(embeddings, labels, strict=True):
        nearest = [max(cosine(row, center) for center in own) for own in centers]
        angle = math.acos(max(-1.0, min(1.0, nearest[label])))
        beyond = angle + margin >= math.pi
        nearest[label] = nearest[label] - margin * math.sin(margin) if beyond else math.cos(angle + margin)
        logits.append([scale * cos for cos in nearest])
    return softmax_cost(logits, labels)


@pytest.mark.parametrize("setting", [{}, {"margin": 0.0, "scale": 1.0}, {"margin": 1.4, "scale": 20.0}])
@pytest.mark.parametrize("centers", [1, 2, 5])
def test_value_equals_the_papers_formula(setting: dict[str, float], centers: int) -> None:
    embeddings, weights, labels = example(centers, 4, 6, 9, centers)
    expected = formula(embeddings.tolist(), weights.tolist(), labels.tolist(), **setting)
    found = loss_with("sub_center_arc_face", weights, centers=centers, **setting)(embeddings, labels).item()
    assert found == pytest.approx(expected, rel=0, abs=1e-9)


def test_gradients_pass_a_numerical_check() -> None:
    embeddings, weights, labels = example(1, 3, 4, 6, 3)
    assert gradients_pass(loss_with("sub_center_arc_face", weights, scale=10.0), embeddings, labels)


def test_one_centre_is_arc_face() -> None:
    embeddings, weights, labels = example(2)
    ours = cost_and_gradients(loss_with("sub_center_arc_face", weights[:, None], centers=1), embeddings, labels)
    arc_face = cost_and_gradients(loss_with("arc_face", weights), embeddings, labels)
    assert ours[0] == pytest.approx(arc_face[0], rel=0, abs=1e-12)
    assert torch.allclose(ours[1], arc_face[1], rtol=0, atol=1e-12)
    assert torch.allclose(ours[2][:, 0], arc_face[2], rtol=0, atol=1e-12)


def test_only_the_nearest_centre_of_a_class_moves() -> None:
    centers = torch.eye(4).reshape(2, 2, 4)
    embeddings = torch.tensor([[2.0, 1.0, 1.0, 0.5]])
    _, _, by_centers = cost_and_gradients(
        loss_with("sub_center_arc_face", centers, centers=2), embeddings, torch.tensor([0])
    )
    assert (by_centers.norm(dim=-1) > 0).tolist() == [[True, False], [True, False]]


@pytest.mark.parametrize("precision", [torch.float32, torch.float64])
@pytest.mark.parametrize("side", [1, -1], ids=["on the centres", "opposite"])
def test_centres_and_pictures_that_coincide_have_finite_gradients(side: int, precision: torch.dtype) -> None:
    axes, labels = torch.eye(3, dtype=precision), torch.arange(3)
    loss = loss_with("sub_center_arc_face", axes[:, None].repeat(1, 3, 1))
    _, *gradients = cost_and_gradients(loss, side * axes, labels)
    assert all(torch.isfinite(gradient).all() for gradient in gradients)


def test_a_batch_of_the_only_class_costs_nothing() -> None:
    embeddings, weights, _ = example(3, 1, 6, 9, 3)
    assert loss_with("sub_center_arc_face", weights)(embeddings, torch.zeros(9, dtype=torch.long)).item() == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"centers": 0}, "centers must be at least 1, got 0"),
        ({"margin": 28.6}, "margin is in radians and must be from 0 to 1.5, got 28.6"),
        ({"scale": -1}, "scale must be positive, got -1"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SubCenterArcFaceLoss(**{"num_classes": 3, "dim": 4, **arguments})  # type: ignore[arg-type]
