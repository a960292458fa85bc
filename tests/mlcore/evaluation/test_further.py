"""Further metrics: the whole embeddings score what the table of metrics says, and nothing measured is fitted on."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from mlcore.datasets import DatasetFolder
from mlcore.errors import CheckpointError
from mlcore.evaluation import further
from mlcore.evaluation.further import (
    asked_of,
    measure_further,
    measure_robustness,
    read_further,
    write_further,
)
from mlcore.evaluation.open_set import open_set
from mlcore.evaluation.query_corruptions import CORRUPTIONS
from mlcore.evaluation.results import measure_rows
from mlcore.evaluation.truncation import principal_axes
from tests.mlcore.tiny import parted

DIMS = 20


def embedded(dataset: DatasetFolder) -> np.ndarray:
    random = np.random.default_rng(0)
    centres = random.normal(size=(len(dataset.classes), DIMS))
    return (centres[dataset.labels] + random.normal(size=(len(dataset.labels), DIMS))).astype(np.float32)


@pytest.fixture(params=["each searches all others", "queries and gallery"])
def dataset(request: pytest.FixtureRequest, wings: DatasetFolder) -> DatasetFolder:
    return wings if request.param.startswith("each") else parted(wings)


def test_all_dimensions_score_what_the_table_of_metrics_says(dataset: DatasetFolder) -> None:
    values, rows = embedded(dataset), dataset.held_out
    found = measure_further(values, dataset, rows, dataset.rows("train"))
    assert [size["dims"] for size in found["sizes"]] == [8, 16, DIMS]
    plain = measure_rows(values[rows], dataset, rows).metrics
    expected = {"recall_at_1": plain["recall_at"]["1"], "map_at_r": plain["map_at_r"]}
    assert found["sizes"][-1]["first"] == found["sizes"][-1]["pca"] == expected
    for size in found["sizes"][:-1]:
        first = measure_rows(values[rows, : size["dims"]], dataset, rows).metrics
        assert size["first"] == {"recall_at_1": first["recall_at"]["1"], "map_at_r": first["map_at_r"]}
        assert size["pca"] is not None and size["pca"] != size["first"]
        assert size["int8"]["map_at_r"] == pytest.approx(size["pca"]["map_at_r"], abs=0.05)
    is_query = dataset.is_query(rows)
    asked = asked_of(len(rows), is_query)
    told = open_set(values[rows], dataset.labels[rows], asked=asked, is_query=is_query)
    assert told is not None and found["open_set"] == asdict(told) and found["queries"] == len(asked)
    assert found["robustness"] == {}


def test_axes_are_fitted_on_training_embeddings_alone(wings: DatasetFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    values, seen = embedded(wings), []

    def fitted(rows: np.ndarray) -> np.ndarray | None:
        seen.append(rows)
        return principal_axes(rows)

    monkeypatch.setattr(further, "principal_axes", fitted)
    measure_further(values, wings, wings.held_out, wings.rows("train")[:9])
    assert np.array_equal(seen[0], values[wings.rows("train")[:9]])


def test_without_training_embeddings_there_is_no_pca(wings: DatasetFolder) -> None:
    found = measure_further(embedded(wings), wings, wings.held_out, np.empty(0, np.int64))
    assert all(size["pca"] is None for size in found["sizes"])
    assert found["sizes"][0]["int8"]["map_at_r"] == pytest.approx(found["sizes"][0]["first"]["map_at_r"], abs=0.05)


def test_an_altered_query_does_not_find_its_own_picture(dataset: DatasetFolder) -> None:
    values, rows = embedded(dataset), dataset.held_out
    clean = measure_further(values, dataset, rows, dataset.rows("train"))["sizes"][-1]["first"]
    unaltered = measure_robustness(values, dataset, rows, lambda kind, asked: values[asked])
    assert unaltered == dict.fromkeys(CORRUPTIONS, clean)
    noise = np.random.default_rng(1).normal(size=values.shape).astype(np.float32)
    lost = measure_robustness(values, dataset, rows, lambda kind, asked: noise[asked])
    assert all(score["map_at_r"] < clean["map_at_r"] for score in lost.values())


def test_large_sets_are_asked_a_part_of_their_queries_always_the_same(
    wings: DatasetFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(further, "MOST_QUERIES", 10)
    found = measure_further(embedded(wings), wings, wings.held_out, wings.rows("train"))
    assert found["queries"] == 10
    assert np.array_equal(asked_of(24, None), asked_of(24, None)) and len(set(asked_of(24, None).tolist())) == 10
    roles = np.arange(60) % 3 == 0
    assert roles[asked_of(60, roles)].all()


def test_what_was_stored_is_read_and_what_cannot_be_read_says_so(wings: DatasetFolder, tmp_path: Path) -> None:
    assert read_further(tmp_path) is None
    found = measure_further(embedded(wings), wings, wings.held_out, wings.rows("train"))
    write_further(tmp_path, found)
    assert read_further(tmp_path) == found
    for text, said in (("{", "cannot be read"), ("{}", "another version"), ('{"format": 2}', "another version")):
        (tmp_path / "further.json").write_text(text)
        with pytest.raises(CheckpointError, match=said):
            read_further(tmp_path)
