"""A run sees its own pictures only, in batches that repeat."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mlcore.datasets import DatasetFolder, open_cache
from mlcore.errors import DatasetError
from mlcore.images.preprocessing import Preprocessing
from mlcore.inference.encode import Encoder, evaluation_pixels
from mlcore.networks.backbones import BackboneSpec, build_backbone
from mlcore.networks.embedder import Embedder
from mlcore.runs import RunSpec
from mlcore.training.batches import Batches
from mlcore.training.distributed import ProcessGroup
from mlcore.training.run_data import RunData
from mlcore.training.setup import RunPaths, TrainingSetup
from tests.mlcore.tiny import parted, tiny_protocol


def run(measured_on: str = "test", loss: str = "soft_triple", **changes: Any) -> RunSpec:
    return RunSpec(protocol=tiny_protocol(**changes), loss=loss, measured_on=measured_on)


def data_of(spec: RunSpec, dataset: DatasetFolder, root: Path) -> RunData:
    return RunData.of(spec, dataset, open_cache(dataset, 32, root))


def batches_of(spec: RunSpec, data: RunData, features: Any = None) -> Batches:
    torch.manual_seed(0)
    backbone = BackboneSpec("test_resnet", "scratch")
    embedder = Embedder(build_backbone(backbone), backbone, "average", 8)
    encoder = Encoder(embedder, Preprocessing(32, 32, (0.5,) * 3, (0.5,) * 3))
    paths = RunPaths(Path("out"), Path("work"), Path("cache"))
    return Batches(TrainingSetup(spec=spec, data=data, encoder=encoder, paths=paths, features=features))


def splits_of(dataset: DatasetFolder, rows: Any) -> set[str]:
    return {dataset.pictures[row].split for row in rows}


@pytest.mark.parametrize("validation", [0, 2])
def test_a_run_measured_on_test_keeps_the_three_parts_apart(
    wings: DatasetFolder, cache_root: Path, validation: int
) -> None:
    data = data_of(run(validation_classes=validation), wings, cache_root)
    parts = [set(wings.labels[rows].tolist()) for rows in (data.train_rows, data.measured_rows, data.validation_rows)]
    assert [len(part) for part in parts] == [4 - validation, 4, validation]
    assert len(set.union(*parts)) == 8
    assert splits_of(wings, data.measured_rows) == {"test"}


def test_a_run_measured_on_validation_never_sees_a_test_row(wings: DatasetFolder, cache_root: Path) -> None:
    data = data_of(run("validation", validation_classes=2), wings, cache_root)
    rows = [*data.train_rows, *data.measured_rows, *data.validation_rows]
    assert splits_of(wings, rows) == {"train"}
    assert np.array_equal(data.measured_rows, data.validation_rows)
    assert not set(data.train_rows.tolist()) & set(data.measured_rows.tolist())


def lonely(dataset: DatasetFolder, split: str) -> DatasetFolder:
    """Return the data set with one picture left of each class of a half; rows of pixels do not matter here."""
    firsts = {picture.label: picture.id for picture in reversed(dataset.pictures)}
    kept = [picture for picture in dataset.pictures if picture.split != split or firsts[picture.label] == picture.id]
    return replace(dataset, pictures=tuple(kept))


@pytest.mark.parametrize(
    ("spec", "half", "message"),
    [
        (run(), "test", "none of the 4 test pictures has another of its class"),
        (run("validation", validation_classes=2), "train", "none of the 2 validation pictures has another of its"),
        (run(validation_classes=2, selection="validation"), "train", "none of the 2 validation pictures"),
        (replace(run(folds=2, selection="validation"), fold=1), "train", "hold out other classes, or fewer folds"),
    ],
)
def test_a_part_without_two_pictures_of_a_class_is_refused_before_training(
    wings: DatasetFolder, cache_root: Path, spec: RunSpec, half: str, message: str
) -> None:
    cache = open_cache(wings, 32, cache_root)
    with pytest.raises(DatasetError, match=message):
        RunData.of(spec, lonely(wings, half), cache)


def test_queries_without_their_class_in_the_gallery_are_refused_before_training(
    wings: DatasetFolder, cache_root: Path
) -> None:
    first = wings.pictures[wings.held_out[0]].label
    pictures = tuple(
        replace(picture, split="query" if picture.label == first else "gallery") if picture.split == "test" else picture
        for picture in wings.pictures
    )
    with pytest.raises(DatasetError, match="none of the 24 test pictures has another of its class"):
        RunData.of(run(), replace(wings, pictures=pictures), open_cache(wings, 32, cache_root))


def test_queries_and_gallery_are_measured_and_validation_classes_come_from_training(
    wings: DatasetFolder, cache_root: Path
) -> None:
    dataset = parted(wings)
    data = data_of(run(validation_classes=2, selection="validation"), dataset, cache_root)
    assert splits_of(dataset, data.measured_rows) == {"query", "gallery"}
    assert dataset.is_query(data.validation_rows) is None and len(data.validation_rows) == 12


def test_training_labels_are_numbered_among_the_classes_that_train(wings: DatasetFolder, cache_root: Path) -> None:
    data = data_of(run(validation_classes=1), wings, cache_root)
    assert np.unique(data.labels).tolist() == [0, 1, 2]
    assert len(data.labels) == len(data.train_rows)


def test_too_many_validation_classes_are_refused(wings: DatasetFolder, cache_root: Path) -> None:
    with pytest.raises(DatasetError, match="cannot hold 3 of 4 training classes out"):
        data_of(run(validation_classes=3), wings, cache_root)


def test_a_run_needs_something_to_be_measured_on(wings: DatasetFolder, cache_root: Path) -> None:
    with pytest.raises(DatasetError, match="there are no validation pictures to measure on; set validation_classes"):
        data_of(run("validation"), wings, cache_root)


def test_each_loss_gets_the_batches_that_it_needs(wings: DatasetFolder, cache_root: Path) -> None:
    data = data_of(run(), wings, cache_root)
    (first, *_) = batches_of(run(loss="multi_similarity"), data).plan(1)
    assert np.unique(data.labels[first], return_counts=True)[1].tolist() == [2, 2, 2, 2]
    assert sorted(np.concatenate(batches_of(run(), data).plan(1)).tolist()) == list(range(24))


def test_loaded_batches_repeat_and_change_with_the_epoch(wings: DatasetFolder, cache_root: Path) -> None:
    spec = run()
    batches = batches_of(spec, data_of(spec, wings, cache_root))
    plan = batches.plan(1)
    once, twice, later = (list(batches.loaded(plan, epoch)) for epoch in (1, 1, 2))
    assert len(once) == 3
    for (inputs, labels), (again, labels_again), (other, _), chosen in zip(once, twice, later, plan, strict=True):
        assert torch.equal(inputs, again) and torch.equal(labels, labels_again)
        assert not torch.equal(inputs, other), "a crop depends on the epoch"
        assert np.array_equal(labels.numpy(), batches.data.labels[chosen])


def test_crops_of_several_threads_are_those_of_one(wings: DatasetFolder, cache_root: Path) -> None:
    spec = run()
    batches = batches_of(spec, data_of(spec, wings, cache_root))
    plan = batches.plan(1)
    alone = [inputs for inputs, _ in batches.loaded(plan, 1)]
    batches.crop_threads = 4
    together = [inputs for inputs, _ in batches.loaded(plan, 1)]
    assert all(torch.equal(one, other) for one, other in zip(alone, together, strict=True))


def test_without_augmentations_training_sees_what_evaluation_sees(wings: DatasetFolder, cache_root: Path) -> None:
    spec = run(crop_scale=1, horizontal_flip=0)
    batches = batches_of(spec, data_of(spec, wings, cache_root))
    plan = batches.plan(1)
    rows = batches.data.train_rows[plan[0]]
    pixels = evaluation_pixels(batches.data.cache, rows, batches.encoder.preprocessing)
    inputs, _ = next(batches.loaded(plan, 1))
    assert torch.equal(inputs, batches.encoder.normalised(pixels))


def test_features_are_taken_by_training_picture(wings: DatasetFolder, cache_root: Path) -> None:
    spec = run()
    data = data_of(spec, wings, cache_root)
    features = np.arange(len(wings.pictures), dtype=np.float32)[:, None]
    batches = batches_of(spec, data, features)
    plan = batches.plan(1)
    inputs, _ = next(batches.loaded(plan, 1))
    assert inputs[:, 0].tolist() == data.train_rows[plan[0]].tolist()


def test_embeddings_are_single_precision_even_when_the_backbone_is_not(wings: DatasetFolder, cache_root: Path) -> None:
    found = {}
    for precision in ("float32", "bfloat16"):
        spec = run(precision=precision)
        batches = batches_of(spec, data_of(spec, wings, cache_root))
        inputs, _ = next(batches.loaded(batches.plan(1), 1))
        found[precision] = batches.embeddings(inputs)
        assert found[precision].dtype == torch.float32
    difference = (found["float32"] - found["bfloat16"]).abs().max().item()
    assert 1e-5 < difference < 0.2, "the backbone did run in bfloat16"


def test_a_picture_that_comes_twice_in_a_batch_gets_two_crops_that_repeat(
    wings: DatasetFolder, cache_root: Path
) -> None:
    spec = run(loss="multi_similarity")
    batches = batches_of(spec, data_of(spec, wings, cache_root))
    plan = [np.array([3, 5, 3, 3, 5, 9]), np.array([3, 3])]
    (views, _), (later, _) = batches.loaded(plan, 1)
    assert not torch.equal(views[0], views[2]) and not torch.equal(views[2], views[3])
    assert not torch.equal(views[1], views[4])
    assert torch.equal(views[0], later[0]) and torch.equal(views[2], later[1])
    (once,) = (inputs for inputs, _ in batches.loaded([np.array([9, 5, 3])], 1))
    assert torch.equal(once, views[[5, 1, 0]]), "a first time is drawn as if there was no second"


def test_processes_draw_the_crops_of_one_that_has_the_whole_batch(wings: DatasetFolder, cache_root: Path) -> None:
    spec = run(loss="multi_similarity")
    data, batch = data_of(spec, wings, cache_root), np.array([3, 5, 3, 3, 5])
    whole = next(batches_of(spec, data).loaded([batch], 1))[0]
    parts = []
    for rank in range(2):
        batches = batches_of(spec, data)
        batches.group = ProcessGroup(rank, 2)
        parts.append(next(batches.loaded([batch], 1))[0])
    assert torch.equal(torch.cat(parts), whole)
