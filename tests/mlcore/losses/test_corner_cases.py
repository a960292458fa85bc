"""Every loss that learns from a batch alone stays finite on batches that no paper speaks of."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from mlcore.losses import LOSSES, build_loss

pytestmark = pytest.mark.usefixtures("one_thread")

DIM = 8
NAMES = [name for name, spec in LOSSES.items() if spec.family in ("pairs", "triplets", "ranking")]
# These pull one class together, or push pictures apart, without something to compare with: by their formulas.
LEARN_FROM_LESS = {
    "one class": {"contrastive", "snr_contrastive", "multi_similarity_no_miner"},
    "no positives": {"contrastive", "snr_contrastive", "multi_similarity_no_miner", "ranked_list"},
    "one picture": {"snr_contrastive"},  # its mean is to be 0
}
LABELS = {"one class": [2] * 6, "no positives": list(range(6)), "one picture": [1]}


def built(name: str, **params: Any) -> torch.nn.Module:
    return build_loss(name, num_classes=6, dim=DIM, **params)


def cost_and_gradient(name: str, embeddings: Tensor, labels: list[int]) -> tuple[float, Tensor]:
    torch.manual_seed(0)
    points = embeddings.clone().requires_grad_()
    cost = built(name)(points, torch.tensor(labels))
    cost.backward()
    assert cost.shape == () and points.grad is not None
    assert torch.isfinite(cost) and torch.isfinite(points.grad).all()
    return cost.item(), points.grad


def random_rows(count: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(count, DIM, generator=torch.Generator().manual_seed(0), dtype=dtype)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", LABELS)
def test_a_batch_without_anything_to_compare_costs_nothing_and_trains_nothing(name: str, case: str) -> None:
    # Small angles, so that margins are not met by chance.
    embeddings = 1 + 0.2 * random_rows(len(LABELS[case]))
    cost, gradient = cost_and_gradient(name, embeddings, LABELS[case])
    learns = name in LEARN_FROM_LESS[case]
    assert (cost > 0) == learns and bool((gradient != 0).any()) == learns


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("labels", [[0, 0, 1, 1, 2, 2], [0, 1, 0, 1, 2, 1], [0] * 6, list(range(6))], ids=str)
@pytest.mark.parametrize("case", ["twice", "all the same", "opposite", "equal numbers"])
def test_coincident_pictures_have_finite_gradients(name: str, dtype: torch.dtype, labels: list[int], case: str) -> None:
    embeddings = random_rows(6, dtype)
    if case == "twice":  # in one class, and under two labels
        embeddings[1], embeddings[4] = embeddings[0], 3 * embeddings[2]
    elif case == "all the same":
        embeddings = embeddings[:1].repeat(6, 1)
    elif case == "opposite":
        embeddings = torch.cat([embeddings[:1].repeat(3, 1), -embeddings[:1].repeat(3, 1)])
    else:
        embeddings = torch.ones_like(embeddings)
    cost_and_gradient(name, embeddings, labels)


@pytest.mark.parametrize("name", NAMES)
def test_only_directions_count(name: str) -> None:
    embeddings, labels = random_rows(12, torch.float64), [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    lengths = torch.linspace(0.1, 7, 12, dtype=torch.float64)[:, None]
    plain, _ = cost_and_gradient(name, embeddings, labels)
    stretched, _ = cost_and_gradient(name, embeddings * lengths, labels)
    normalised, _ = cost_and_gradient(name, F.normalize(embeddings, dim=-1), labels)
    assert stretched == pytest.approx(plain, abs=1e-9) and normalised == pytest.approx(plain, abs=1e-9)


# Weights that carry no gradient: what these train by is no derivative of their value.
@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("circle", "ranked_list")])
def test_gradients_pass_a_numerical_check(name: str) -> None:
    embeddings, labels = random_rows(8, torch.float64), torch.tensor([0, 1, 0, 2, 1, 0, 2, 3])
    # At their published temperature these two's gradients are steps to a numerical check.
    loss = built(name, **({"temperature": 0.1} if name in ("smooth_ap", "recall_at_k_surrogate") else {}))

    def seeded(points: Tensor) -> Tensor:
        torch.manual_seed(0)
        cost: Tensor = loss(points, labels)
        return cost

    assert torch.autograd.gradcheck(seeded, (embeddings.requires_grad_(),))
