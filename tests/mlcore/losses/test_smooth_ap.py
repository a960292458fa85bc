"""SmoothAP against its paper's sigmoid ranks, written out with loops, and against exact average precision."""

import pytest
import torch

from mlcore.losses.smooth_ap import SmoothApLoss
from tests.mlcore.losses.plain import Number, Row, assert_equal, by_loss, dot, example, mean, of_class, of_others

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("temperature", [0.01, 0.1, 1.0])
def test_value_and_gradients_equal_the_papers_formula(temperature: float) -> None:
    def formula(rows: list[Row], labels: list[int]) -> Number:
        costs = []
        for q, row in enumerate(rows):
            positives, negatives = of_class(labels, q), of_others(labels, q)
            precisions = []
            for i in positives if negatives else []:
                before = {
                    j: 1 / (1 + ((dot(row, rows[i]) - dot(row, rows[j])) / temperature).exp())
                    for j in positives + negatives
                    if j != i
                }
                own_rank = 1 + sum(before[j] for j in positives if j != i)
                precisions.append(own_rank / (1 + sum(before.values())))
            if precisions:
                costs.append(1 - mean(precisions))
        return mean(costs)

    assert_equal(SmoothApLoss(num_classes=4, dim=5, temperature=temperature), formula)


def test_a_hard_step_gives_average_precision() -> None:
    labels = [0, 1, 1, 2, 1, 1, 2, 0, 2]
    embeddings = example(labels, spread=2.0)
    cosines = torch.nn.functional.normalize(embeddings, dim=-1) @ torch.nn.functional.normalize(embeddings, dim=-1).T
    averages = []
    for q in range(len(labels)):
        ranked = sorted((j for j in range(len(labels)) if j != q), key=lambda j: -cosines[q, j].item())
        hits = [labels[j] == labels[q] for j in ranked]
        averages.append(mean([sum(hits[: k + 1]) / (k + 1) for k, hit in enumerate(hits) if hit]))
    cost, _ = by_loss(SmoothApLoss(num_classes=3, dim=5, temperature=1e-6), embeddings, labels)
    assert cost == pytest.approx(1 - mean(averages), abs=1e-9)


def test_classes_may_have_different_sizes() -> None:
    # pytorch-metric-learning refuses them.
    rows = torch.tensor([[1.0, 0], [1, 0], [1, 0], [-1, 0], [-1, 0]], dtype=torch.float64)
    assert by_loss(SmoothApLoss(num_classes=2, dim=2), rows, [0, 0, 0, 1, 1])[0] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("arguments", "message"), [({"temperature": 0.0}, "temperature must be positive, got 0.0")])
def test_wrong_arguments_are_refused(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SmoothApLoss(num_classes=3, dim=5, **arguments)
