import random

import pytest

from mlcore.index import overlap_at


def test_overlap_agrees_with_counting_one_by_one() -> None:
    chance = random.Random(0)
    for _ in range(300):
        first, second = (chance.sample(range(16), chance.randint(0, 12)) for _ in range(2))
        k = chance.randint(1, 14)
        common = sum(1 for one in first[:k] for other in second[:k] if one == other)
        depth = max(len(first[:k]), len(second[:k]))
        assert overlap_at(k, first, second) == (common / depth if depth else 0)
        assert overlap_at(k, first, second) == overlap_at(k, second, first)


def test_equal_answers_agree_wholly_though_fewer_than_k() -> None:
    assert overlap_at(10, [3, 1], [1, 3]) == 1.0


def test_an_overlap_among_none_is_refused() -> None:
    with pytest.raises(ValueError, match="k must be at least 1, got 0"):
        overlap_at(0, [1], [1])
