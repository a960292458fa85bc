"""Proxy-Anchor against equation 4 of its paper, written out with loops."""

import math
from collections.abc import Sequence

import pytest
import torch

from mlcore.losses.proxy_anchor import ProxyAnchorLoss
from tests.mlcore.losses.proxies import Rows, cosines, cost_and_gradients, example, gradients_pass, loss_with

pytestmark = pytest.mark.usefixtures("one_thread")


def formula(embeddings: Rows, proxies: Rows, labels: Sequence[int], alpha: float = 32.0, delta: float = 0.1) -> float:
    table = cosines(embeddings, proxies)
    pull, push = [], []
    for proxy in range(len(proxies)):
        positives = [row[proxy] for row, label in zip(table, labels, strict=True) if label == proxy]
        negatives = [row[proxy] for row, label in zip(table, labels, strict=True) if label != proxy]
        if positives:
            pull.append(math.log(1 + math.fsum(math.exp(-alpha * (s - delta)) for s in positives)))
        push.append(math.log(1 + math.fsum(math.exp(alpha * (s + delta)) for s in negatives)))
    return sum(pull) / len(pull) + sum(push) / len(push)


@pytest.mark.parametrize("setting", [{}, {"alpha": 4.0, "delta": 0.0}, {"alpha": 0.5, "delta": 0.9}])
@pytest.mark.parametrize("seed", range(3))
def test_value_equals_the_papers_formula(setting: dict[str, float], seed: int) -> None:
    embeddings, proxies, labels = example(seed)
    expected = formula(embeddings.tolist(), proxies.tolist(), labels.tolist(), **setting)
    found = loss_with("proxy_anchor", proxies, **setting)(embeddings, labels).item()
    assert found == pytest.approx(expected, rel=0, abs=1e-9)


def test_gradients_pass_a_numerical_check() -> None:
    embeddings, proxies, labels = example(1)
    assert gradients_pass(loss_with("proxy_anchor", proxies), embeddings, labels)


def test_proxies_absent_from_the_batch_push_but_do_not_thin_the_pull() -> None:
    embeddings, proxies, _ = example(2, classes=50, batch=3)
    labels = torch.tensor([7, 7, 9])
    expected = formula(embeddings.tolist(), proxies.tolist(), labels.tolist())
    loss = loss_with("proxy_anchor", proxies)
    cost, _, by_proxies = cost_and_gradients(loss, embeddings, labels)
    assert cost == pytest.approx(expected, rel=0, abs=1e-9)
    assert (by_proxies.norm(dim=1) > 0).sum() > 2


def test_a_batch_of_the_only_class_has_nothing_to_push() -> None:
    embeddings, proxies, _ = example(3, classes=1)
    labels = torch.zeros(len(embeddings), dtype=torch.long)
    cost, by_embeddings, by_proxies = cost_and_gradients(loss_with("proxy_anchor", proxies), embeddings, labels)
    assert cost == pytest.approx(formula(embeddings.tolist(), proxies.tolist(), labels.tolist()), rel=0, abs=1e-9)
    assert torch.isfinite(by_embeddings).all() and torch.isfinite(by_proxies).all()


def test_a_picture_that_is_twice_in_a_batch_counts_twice() -> None:
    embeddings, proxies, labels = example(4)
    embeddings[1], labels[1] = embeddings[0], labels[0]
    expected = formula(embeddings.tolist(), proxies.tolist(), labels.tolist())
    found = loss_with("proxy_anchor", proxies)(embeddings, labels).item()
    assert found == pytest.approx(expected, rel=0, abs=1e-9)


def test_a_great_sharpness_does_not_overflow() -> None:
    axes = torch.eye(2)
    loss = loss_with("proxy_anchor", -axes, alpha=1000.0)
    cost, by_embeddings, by_proxies = cost_and_gradients(loss, axes, torch.arange(2))
    assert cost == pytest.approx(1100 + 100)  # e^1100 and e^100 are more than float32 holds
    assert torch.isfinite(by_embeddings).all() and torch.isfinite(by_proxies).all()


def test_a_sharpness_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="alpha must be positive, got 0"):
        ProxyAnchorLoss(num_classes=3, dim=4, alpha=0)
