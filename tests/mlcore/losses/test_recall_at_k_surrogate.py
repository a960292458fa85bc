"""The Recall@k surrogate against its formula, written out with loops, and against recall itself."""

import math

import pytest
import torch

from mlcore.losses.recall_at_k_surrogate import RecallAtKSurrogateLoss
from tests.mlcore.losses.plain import Number, Row, assert_equal, by_loss, dot, example, mean, of_class, of_others

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize(("largest_k", "ks"), [(1, [1]), (5, [1, 2, 4]), (16, [1, 2, 4, 8, 16])])
@pytest.mark.parametrize(("rank_temperature", "temperature"), [(1.0, 0.01), (0.5, 0.2)])
def test_value_and_gradients_equal_the_papers_formula(
    largest_k: int, ks: list[int], rank_temperature: float, temperature: float
) -> None:
    def formula(rows: list[Row], labels: list[int]) -> Number:
        costs = []
        for q, row in enumerate(rows):
            positives = of_class(labels, q) if of_others(labels, q) else []
            found = []
            for i in positives:
                rank = 1 + sum(
                    1 / (1 + ((dot(row, rows[i]) - dot(row, rows[j])) / temperature).exp())
                    for j in range(len(rows))
                    if j not in (q, i)
                )
                found.append(mean([1 / (1 + ((rank - k) / rank_temperature).exp()) for k in ks]))
            if found:
                costs.append(1 - mean(found))
        return mean(costs)

    loss = RecallAtKSurrogateLoss(
        num_classes=4, dim=5, largest_k=largest_k, rank_temperature=rank_temperature, temperature=temperature
    )
    assert_equal(loss, formula)


def test_hard_sigmoids_give_recall_but_for_half_at_the_cut() -> None:
    labels = [0, 1, 1, 2, 1, 1, 2, 0, 2]
    embeddings = example(labels, spread=2.0)
    unit = torch.nn.functional.normalize(embeddings, dim=-1)
    cosines, recalls = unit @ unit.T, []
    for q in range(len(labels)):
        ranked = sorted((j for j in range(len(labels)) if j != q), key=lambda j: -cosines[q, j].item())
        hits = [rank for rank, j in enumerate(ranked, 1) if labels[j] == labels[q]]
        recalls.append(mean([(rank < 4) + 0.5 * (rank == 4) for rank in hits]))
    loss = RecallAtKSurrogateLoss(num_classes=3, dim=5, largest_k=4, rank_temperature=1e-9, temperature=1e-9)
    loss.ks = [4]
    assert by_loss(loss, embeddings, labels)[0] == pytest.approx(1 - mean(recalls), abs=1e-9)


def test_a_perfect_batch_costs_what_the_docstring_says_here_and_in_the_authors_form() -> None:
    labels, ks = [0, 0, 0, 0, 1, 1, 1, 1], (1, 2, 4, 8, 16)
    points = torch.eye(2, dtype=torch.float64)[labels]

    def cost(rank: float, divisor: dict[int, int]) -> float:
        """Return the cost of three positives of one rank, the number within k capped at k."""
        within = {k: min(3 / (1 + math.exp(rank - k)), k) for k in ks}
        return 1 - sum(within[k] / divisor[k] for k in ks) / len(ks)

    here, _ = by_loss(RecallAtKSurrogateLoss(num_classes=2, dim=2), points, labels)
    at_most_k = {k: min(k, 3) for k in ks}
    assert here == pytest.approx(0.2705, abs=5e-5) == cost(2, dict.fromkeys(ks, 3))  # two others, half a place each
    assert cost(2, at_most_k) == pytest.approx(0.1130, abs=5e-5)
    assert cost(2.5, at_most_k) == pytest.approx(0.2146, abs=5e-5)  # and the query, another half


@pytest.mark.parametrize("arguments", [{"largest_k": 0}, {"temperature": 0.0}, {"rank_temperature": -1.0}])
def test_wrong_arguments_are_refused(arguments: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(arguments))} must be positive, got"):
        RecallAtKSurrogateLoss(num_classes=3, dim=5, **arguments)  # type: ignore[arg-type]
