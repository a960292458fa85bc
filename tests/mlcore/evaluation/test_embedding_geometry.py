"""Which classes lie near another."""

import numpy as np
import pytest

from mlcore.evaluation.embedding_geometry import nearest_centres


def test_classes_are_ordered_by_the_cosine_of_their_centres() -> None:
    angles = np.radians([0, 10, 40, 50, 85, 95, 4])
    unit = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    labels = np.array([3, 3, 5, 5, 8, 8, 3])
    nearest, typical = nearest_centres(unit, labels, 3)
    assert [label for label, _ in nearest] == [5, 8]
    middle = unit[labels == 3].mean(axis=0)
    away = np.radians(45) - np.arctan2(middle[1], middle[0])
    assert nearest[0][1] == pytest.approx(np.cos(away))
    assert typical == 6  # at 4 degrees; the middle is at 4.67
    assert nearest_centres(unit, labels, 8)[0][0][0] == 5
