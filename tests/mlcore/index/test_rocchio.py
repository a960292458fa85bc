import math

import numpy as np
import pytest

from mlcore.index import moved_query


def unit(rows: int, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(rows, 5))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize(("more", "less"), [(0, 0), (1, 0), (0, 2), (3, 2)])
def test_a_query_moves_as_the_formula_says(more: int, less: int) -> None:
    query, liked, other = unit(1, 0)[0], unit(more, 1).reshape(-1, 5), unit(less, 2).reshape(-1, 5)
    wanted = []
    for place in range(5):
        value = query[place]
        if more:
            value += 0.75 * sum(row[place] for row in liked) / more
        if less:
            value -= 0.15 * sum(row[place] for row in other) / less
        wanted.append(value)
    length = math.sqrt(sum(value * value for value in wanted))
    assert np.allclose(moved_query(query, liked, other), [value / length for value in wanted], atol=1e-7)


def test_the_query_itself_is_left_as_it_was() -> None:
    query = unit(1, 3)[0]
    before = query.copy()
    moved_query(query, unit(2, 4), unit(2, 5))
    assert (query == before).all()


def test_a_query_that_everything_speaks_against_keeps_a_direction() -> None:
    query = np.array([1.0, 0.0])
    moved = moved_query(query, -query[None], query[None])
    assert np.allclose(moved, [1, 0])
