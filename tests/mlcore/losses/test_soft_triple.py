"""SoftTriple against equations 8 and 13 of its paper, written out with loops."""

import itertools
import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from mlcore.losses.normalized_softmax import NormalizedSoftmaxLoss
from mlcore.losses.soft_triple import SoftTripleLoss, merging_term

pytestmark = pytest.mark.usefixtures("one_thread")

PAPER = {"scale": 20.0, "gamma": 0.1, "tau": 0.2, "margin": 0.01}
Number = Any  # a float, or a float64 tensor without dimensions where the formula is to be differentiated


def exp(x: Number) -> Number:
    return x.exp() if isinstance(x, Tensor) else math.exp(x)


def log(x: Number) -> Number:
    return x.log() if isinstance(x, Tensor) else math.log(x)


def unit(row: list[Number]) -> list[Number]:
    length = sum(x * x for x in row) ** 0.5
    return [x / length for x in row]


def dot(one: list[Number], other: list[Number]) -> Number:
    return sum(a * b for a, b in zip(one, other, strict=True))


def formula(
    embeddings: Any, centers: Any, labels: list[int], *, scale: float, gamma: float, tau: float, margin: float
) -> Number:
    """Return the loss of embeddings[b][d] and centers[c][k][d], by the paper's sums."""
    pictures = [unit(list(row)) for row in embeddings]
    classes = [[unit(list(center)) for center in centers_of_class] for centers_of_class in centers]
    total: Number = 0.0
    for picture, label in zip(pictures, labels, strict=True):
        similarities = []
        for own in classes:  # equation 8: a softmax over the centres of a class weighs them
            cosines = [dot(picture, center) for center in own]
            weights = [exp(cosine / gamma) for cosine in cosines]
            similarities.append(dot(weights, cosines) / sum(weights))
        true = exp(scale * (similarities[label] - margin))
        others = sum(exp(scale * s) for c, s in enumerate(similarities) if c != label)
        total = total - log(true / (true + others))
    count, per_class = len(classes), len(classes[0])
    merging: Number = 0.0
    for own in classes:  # equation 13, with the authors' constant under the root
        for first, second in itertools.combinations(own, 2):
            merging = merging + (2.0 + 1e-5 - 2.0 * dot(first, second)) ** 0.5
    regularizer = tau * merging / (count * per_class * (per_class - 1)) if per_class > 1 else 0.0
    return total / len(pictures) + regularizer


def example(seed: int, per_class: int, batch: int = 5) -> tuple[Tensor, Tensor, Tensor]:
    random = torch.Generator().manual_seed(seed)
    embeddings = 3 * torch.randn(batch, 4, generator=random, dtype=torch.float64)
    centers = torch.randn(3, per_class, 4, generator=random, dtype=torch.float64)
    return embeddings, centers, torch.randint(0, 3, (batch,), generator=random)


def loss_with(centers: Tensor, **params: float) -> SoftTripleLoss:
    classes, per_class, dim = centers.shape
    loss = SoftTripleLoss(num_classes=classes, dim=dim, centers=per_class, **params).to(centers.dtype)
    with torch.no_grad():
        loss.centers.copy_(centers)
    return loss


SETTINGS = [
    PAPER,
    {"scale": 5.0, "gamma": 1.0, "tau": 0.0, "margin": 0.0},
    {"scale": 32.0, "gamma": 0.02, "tau": 3.0, "margin": 0.5},
]


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("per_class", [1, 2, 4])
def test_value_equals_the_papers_formula(setting: dict[str, float], per_class: int) -> None:
    embeddings, centers, labels = example(per_class, per_class)
    expected = formula(embeddings.tolist(), centers.tolist(), labels.tolist(), **setting)
    assert loss_with(centers, **setting)(embeddings, labels).item() == pytest.approx(expected, rel=0, abs=1e-9)


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("coincident", [False, True], ids=["apart", "coincident"])
def test_gradients_equal_those_of_the_papers_formula(setting: dict[str, float], coincident: bool) -> None:
    embeddings, centers, labels = example(7, 3)
    if coincident:
        centers[:, 1] = 2 * centers[:, 0]
    slow = [embeddings.clone().requires_grad_(), centers.clone().requires_grad_()]
    expected = torch.autograd.grad(formula(*slow, labels.tolist(), **setting), slow)
    loss = loss_with(centers, **setting)
    found = torch.autograd.grad(loss(embeddings.requires_grad_(), labels), [embeddings, loss.centers])
    for one, other in zip(found, expected, strict=True):
        assert torch.isfinite(one).all()
        assert (one - other).abs().max().item() < 1e-9


def test_gradients_pass_a_numerical_check() -> None:
    embeddings, centers, labels = example(3, 3)
    loss = loss_with(centers, **PAPER)

    def as_function(points: Tensor, weights: Tensor) -> Any:
        return torch.func.functional_call(loss, {"centers": weights}, (points, labels))

    assert torch.autograd.gradcheck(as_function, (embeddings.requires_grad_(), centers.requires_grad_()))


def test_one_centre_is_normalised_softmax_with_the_scale_as_temperature() -> None:
    embeddings, centers, labels = example(1, 1)
    soft_triple = loss_with(centers, **{**PAPER, "margin": 0.0})
    softmax = NormalizedSoftmaxLoss(num_classes=3, dim=4, temperature=1 / PAPER["scale"]).double()
    with torch.no_grad():
        softmax.proxies.copy_(centers[:, 0])
    assert merging_term(F.normalize(centers, dim=-1)).item() == 0
    one, other = soft_triple(embeddings, labels), softmax(embeddings, labels)
    one.backward()
    other.backward()
    assert one.item() == pytest.approx(other.item(), rel=0, abs=1e-12)
    assert soft_triple.centers.grad is not None and softmax.proxies.grad is not None
    assert torch.allclose(soft_triple.centers.grad[:, 0], softmax.proxies.grad, rtol=0, atol=1e-12)


def trained_centers(tau: float, steps: int) -> Tensor:
    """Return the centres [C, K, D] after training at the paper's setting; every step must be finite."""
    torch.manual_seed(0)
    classes, per_class, dim = 2, 10, 8
    middles = F.normalize(torch.randn(classes, dim), dim=-1)
    labels = torch.arange(32) % classes
    embeddings = middles[labels] + 0.1 * torch.randn(32, dim)
    loss = SoftTripleLoss(num_classes=classes, dim=dim, centers=per_class, **{**PAPER, "tau": tau})
    optimizer = torch.optim.Adam(loss.parameters(), lr=1e-2, eps=0.01)
    for step in range(steps):
        optimizer.zero_grad()
        value = loss(embeddings, labels)
        value.backward()
        optimizer.step()
        assert math.isfinite(value.item()) and torch.isfinite(loss.centers).all(), f"step {step}"
    return F.normalize(loss.centers.detach(), dim=-1)


def mean_cosine_within_classes(centers: Tensor) -> float:
    first, second = torch.triu_indices(centers.shape[1], centers.shape[1], offset=1)
    return float((centers @ centers.transpose(1, 2))[:, first, second].mean())


def test_two_thousand_steps_merge_the_centres_without_a_nan() -> None:
    assert mean_cosine_within_classes(trained_centers(PAPER["tau"], 2000)) > 0.99


def test_centres_stay_apart_without_the_merging_term() -> None:
    assert mean_cosine_within_classes(trained_centers(0.0, 200)) < 0.9


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_coincident_centres_have_finite_gradients_in_low_precision(precision: torch.dtype) -> None:
    torch.manual_seed(0)
    centers = F.normalize(torch.randn(50, 1, 64).to(precision), dim=-1).repeat(1, 10, 1).requires_grad_()
    assert precision == torch.float32 or (centers @ centers.transpose(1, 2)).max() > 1, "rounded above 1"
    merging_term(centers).backward()
    assert centers.grad is not None and torch.isfinite(centers.grad).all()


def test_merging_term_of_a_big_data_set_needs_no_square_of_all_centres() -> None:
    # Stanford Online Products has 11,318 training classes: (C K)^2 cosines would be 51 GB.
    centers = F.normalize(torch.randn(11_318, 10, 8), dim=-1).requires_grad_()
    value = merging_term(centers)
    value.backward()
    assert 0 < value.item() < 1
    assert centers.grad is not None and torch.isfinite(centers.grad).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"gamma": 0}, "gamma must be positive, got 0"), ({"centers": 0}, "at least 1"), ({"num_classes": 0}, "at least")],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SoftTripleLoss(**{"num_classes": 3, "dim": 4, **arguments})
