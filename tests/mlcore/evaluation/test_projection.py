from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mlcore.errors import MetricsError, Stopped
from mlcore.evaluation.metrics import per_query_scores
from mlcore.evaluation.projection import FEWEST, STEPS, EmbeddingMap, map_of, nearest_neighbours, project


def clouds(count: int, each: int, seed: int = 0, spread: float = 0.2) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return vectors [count * each, 8] around `count` random directions, and which."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(count), each)
    return random.standard_normal((count, 8))[labels] + spread * random.standard_normal((count * each, 8)), labels


def test_near_neighbours_stay_near_and_the_map_is_the_same_each_time() -> None:
    vectors, labels = clouds(3, 20)
    places, method = project(vectors)
    assert method == "t-SNE" and places.shape == (60, 2)
    assert np.array_equal(places, project(vectors)[0])
    apart = np.linalg.norm(places[:, None] - places, axis=2) + 9 * np.eye(60)
    assert (labels[apart.argmin(axis=1)] == labels).all()


def test_the_wider_direction_fills_the_square() -> None:
    places = project(clouds(3, 20)[0])[0]
    assert np.abs(places).max() == pytest.approx(1)
    assert (places.max(axis=0) == -places.min(axis=0)).all() or np.allclose(places.max(axis=0), -places.min(axis=0))


@pytest.mark.parametrize("count", [3, FEWEST - 1])
def test_few_vectors_are_shown_by_their_principal_components(count: int) -> None:
    vectors = clouds(1, count, spread=1.0)[0]
    places, method = project(vectors)
    assert method == "PCA" and np.abs(places).max() == pytest.approx(1)
    assert np.array_equal(places, project(vectors)[0])


@pytest.mark.parametrize("shape", [(5, 4), (FEWEST + 5, 4), (5, 1)])
def test_a_collapsed_space_is_one_point_or_at_least_finite(shape: tuple[int, int]) -> None:
    places = project(np.ones(shape))[0]
    assert np.isfinite(places).all() and np.abs(places).max() <= 1 + 1e-9
    assert len(places) > FEWEST or not places.any()


def test_a_zero_vector_is_refused() -> None:
    with pytest.raises(MetricsError, match="all zeros"):
        project(np.zeros((4, 3)))


def test_progress_is_told_and_may_stop_it() -> None:
    told = []

    def stop_soon(phase: str, done: int, total: int = 0) -> None:
        told.append((phase, done, total))
        if done >= 50:
            raise Stopped("enough")

    with pytest.raises(Stopped, match="enough"):
        project(clouds(3, 20)[0], progress=stop_soon)
    assert told[0] == ("map", 0, 750) and told[-1] == ("map", 50, 750)


# --- who is found first


@pytest.mark.parametrize("decimals", [0, 9])  # 0: few directions, so that most scores tie
def test_first_answers_hit_where_the_metrics_do(decimals: int) -> None:
    vectors, labels = clouds(6, 10, spread=1.5)
    vectors = np.round(vectors[:, :3], decimals) + [0.5, 0.5, 0.5]
    every = np.arange(len(vectors))
    hits = nearest_neighbours(vectors, labels, every, every)[1]
    assert hits.tolist() == per_query_scores(vectors, labels).columns()["recall_at_1"].astype(int).tolist()


def test_first_answers_are_the_nearest_rows() -> None:
    vectors, labels = clouds(6, 10, spread=1.5)
    every = np.arange(len(vectors))
    first = nearest_neighbours(vectors, labels, every, every)[0]
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    nearest = (unit @ unit.T - 9 * np.eye(len(unit))).argmax(axis=1)
    assert first.tolist() == nearest.tolist()


def test_queries_find_among_the_gallery_alone() -> None:
    vectors, labels = np.array([[1, 0], [1, 0.01], [1, 0.3], [0, 1]]), np.array([0, 0, 0, 1])
    first, hits = nearest_neighbours(vectors, labels, np.array([0]), np.array([2, 3]))
    assert (first.tolist(), hits.tolist()) == ([2], [1])


def test_at_a_tie_a_wrong_class_comes_first() -> None:
    vectors, labels = np.ones((3, 2)), np.array([0, 0, 1])
    first, hits = nearest_neighbours(vectors, labels, np.array([0]), np.arange(3))
    assert (first.tolist(), hits.tolist()) == ([2], [0])


def test_a_picture_alone_in_its_class_is_not_asked() -> None:
    vectors, labels = np.eye(3), np.array([0, 1, 1])
    first, hits = nearest_neighbours(vectors, labels, np.arange(3), np.arange(3))
    assert hits[0] == -1 and first[0] == -1 and (hits[1:] >= 0).all()


# --- the map as it is stored


def mapped(most: int = 100) -> EmbeddingMap:
    vectors, labels = clouds(4, 10, spread=1.0)
    splits = ["train"] * 20 + ["test"] * 20
    return map_of(vectors, ids=np.arange(40) + 1000, labels=labels, splits=splits, most=most)


def test_a_map_says_who_missed_and_what_was_found_instead() -> None:
    found = mapped()
    assert found.ids == list(range(1000, 1040)) and found.total == 40 and found.method == "PCA"
    assert found.split_names == ["test", "train"] and found.splits == [1] * 20 + [0] * 20
    assert found.hits[:20] == [-1] * 20 and found.asked == 20
    assert len(found.near) == found.asked - found.found
    label_of = dict(zip(found.ids, found.labels, strict=True))
    missed = [label for label, hit in zip(found.labels, found.hits, strict=True) if hit == 0]
    assert missed and all(label_of[pk] != label for pk, label in zip(found.near, missed, strict=True))
    assert max(map(abs, found.x + found.y)) == STEPS


def test_too_many_pictures_are_sampled_the_same_each_time_but_compared_with_all() -> None:
    found, whole = mapped(most=25), mapped()
    assert found == mapped(most=25) and len(found.ids) == 25 and found.total == 40
    hits = dict(zip(whole.ids, whole.hits, strict=True))
    assert found.hits == [hits[pk] for pk in found.ids]


def test_a_stored_map_comes_back_and_never_changes(tmp_path: Path) -> None:
    found, file = mapped(), tmp_path / "maps" / "one.json"
    found.write(file)
    assert EmbeddingMap.read(file) == found and [path.name for path in file.parent.iterdir()] == ["one.json"]
    with pytest.raises(FileExistsError):
        found.write(file)
    file.write_text(file.read_text().replace('"format":1', '"format":2'))
    with pytest.raises(MetricsError, match="make it again"):
        EmbeddingMap.read(file)
