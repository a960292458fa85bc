"""The potential field against its two potentials, written out pair by pair."""

import pytest
import torch

from mlcore.losses.potential_field import PotentialFieldLoss
from tests.mlcore.losses.proxies import cosine, cost_and_gradients, example, gradients_pass, loss_with

pytestmark = pytest.mark.usefixtures("one_thread")


def potential(one: list[float], other: list[float], same: bool, alpha: float, delta: float) -> float:
    distance = max(0.0, 2 - 2 * cosine(one, other)) ** 0.5
    if same:
        return -1 / max(distance, delta) ** alpha
    return 1 / min(max(distance, delta / 5), delta) ** alpha


@pytest.mark.parametrize(("alpha", "delta"), [(1.0, 0.5), (4.0, 0.2), (0.5, 1.5)])
@pytest.mark.parametrize("per_class", [1, 3])
@pytest.mark.parametrize("seed", range(3))
def test_the_energy_is_the_sum_over_pictures_and_proxies(alpha: float, delta: float, per_class: int, seed: int) -> None:
    embeddings, proxies, labels = example(seed, 4, 6, 9, per_class)
    rows, energy = embeddings.tolist(), 0.0
    for i, row in enumerate(rows):
        for j, other in enumerate(rows):
            if i != j:
                energy += potential(row, other, bool(labels[i] == labels[j]), alpha, delta)
        for c, own in enumerate(proxies.tolist()):
            energy += sum(potential(row, proxy, c == labels[i], alpha, delta) for proxy in own)
    loss = loss_with("potential_field", proxies, proxies=per_class, alpha=alpha, delta=delta)
    found, _, _ = cost_and_gradients(loss, embeddings, labels)
    assert found == pytest.approx(energy / len(rows), rel=1e-10)


@pytest.mark.parametrize("seed", range(3))
def test_gradients_pass_a_numerical_check(seed: int) -> None:
    embeddings, proxies, labels = example(seed, 3, 5, 6, 2)
    assert gradients_pass(loss_with("potential_field", proxies, proxies=2), embeddings, labels)


def test_the_pull_fades_with_distance_and_rests_when_near() -> None:
    proxies = torch.tensor([[[1.0, 0.0]]], dtype=torch.float64)
    loss = loss_with("potential_field", proxies, proxies=1, alpha=1.0, delta=0.5)
    slopes = []
    for angle in (0.3, 0.8, 1.5):
        row = torch.tensor([[angle]], dtype=torch.float64).repeat(1, 2)
        row = torch.stack([row[0, 0].cos(), row[0, 1].sin()])[None]
        slopes.append(cost_and_gradients(loss, row, torch.tensor([0]))[1].norm().item())
    assert slopes[0] == 0 and slopes[1] > slopes[2] > 0


def test_strangers_beyond_delta_do_not_push() -> None:
    proxies = torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]], dtype=torch.float64)
    loss = loss_with("potential_field", proxies, proxies=1)
    _, _, by_proxies = cost_and_gradients(loss, torch.tensor([[0.9, 0.1]], dtype=torch.float64), torch.tensor([0]))
    assert not by_proxies[1].any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"proxies": 0}, "num_classes and proxies must be at least 1, got 3 and 0"),
        ({"alpha": 0.0}, "alpha must be positive, got 0.0"),
        ({"delta": -1.0}, "delta must be positive, got -1.0"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PotentialFieldLoss(num_classes=3, dim=5, **arguments)  # type: ignore[arg-type]
