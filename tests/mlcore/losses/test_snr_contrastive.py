"""SNR-contrastive against its paper's ratio of variances, written out with loops."""

import pytest
import torch

from mlcore.losses.snr_contrastive import SnrContrastiveLoss
from tests.mlcore.losses.plain import Number, Row, assert_equal, by_loss, mean, of_class, of_others

pytestmark = pytest.mark.usefixtures("one_thread")


def variance(row: Row) -> Number:
    middle = mean(row)
    return mean([(x - middle) ** 2 for x in row])


def snr_distance(anchor: Row, other: Row) -> Number:
    return variance([b - a for a, b in zip(anchor, other, strict=True)]) / variance(anchor)


@pytest.mark.parametrize(
    ("positive_margin", "negative_margin", "zero_mean"), [(0.0, 1.0, 0.1), (0.2, 2.5, 0.0), (0.0, 0.3, 2.0)]
)
def test_value_and_gradients_equal_the_papers_formula(
    positive_margin: float, negative_margin: float, zero_mean: float
) -> None:
    def formula(rows: list[Row], labels: list[int]) -> Number:
        pulls, pushes = [], []
        for i, row in enumerate(rows):
            far = [snr_distance(row, rows[j]) - positive_margin for j in of_class(labels, i)]
            near = [negative_margin - snr_distance(row, rows[j]) for j in of_others(labels, i)]
            pulls += [lack for lack in far if lack > 0]
            pushes += [lack for lack in near if lack > 0]
        return mean(pulls) + mean(pushes) + zero_mean * mean([abs(sum(row)) for row in rows])

    loss = SnrContrastiveLoss(
        num_classes=4, dim=5, positive_margin=positive_margin, negative_margin=negative_margin, zero_mean=zero_mean
    )
    assert_equal(loss, formula)


def test_the_distance_of_vectors_of_mean_zero_is_the_squared_euclidean_one() -> None:
    rows = torch.tensor([[1.0, -1, 0], [0, 1, -1]], dtype=torch.float64)
    cost, _ = by_loss(SnrContrastiveLoss(num_classes=1, dim=3), rows, [0, 0])
    assert cost == pytest.approx(3.0, abs=1e-12)  # 2 - 2 cos 120 degrees


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"negative_margin": 0.0}, "negative_margin must be above positive_margin, 0.0, got 0.0")],
)
def test_wrong_arguments_are_refused(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SnrContrastiveLoss(num_classes=3, dim=5, **arguments)
