"""Runs small enough for tests: 24 training pictures of 32 pixels, a network of 0.5 million weights."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlcore.config import Protocol, preset
from mlcore.datasets import DatasetFolder
from mlcore.datasets.catalogue import Picture, fingerprint_of
from mlcore.runs import RunSpec
from mlcore.training.train import RunPaths, TrainingCallbacks

STEPS_PER_EPOCH = 3
LOSSES_TO_RESUME = ("soft_triple", "multi_similarity")


def tiny_protocol(**changes: Any) -> Protocol:
    """Return the demo protocol, made small."""
    small: dict[str, Any] = {
        "backbone": "test_resnet",
        "dim": 16,
        "short_side": 32,
        "crop": 32,
        "epochs": 3,
        "batch_size": 8,
        "samples_per_class": 2,
    }
    return preset("demo").with_changes(**{**small, **changes})


def head_protocol(**changes: Any) -> Protocol:
    """Return a small protocol in which only a head learns, on cached features."""
    return tiny_protocol(trains="head", head_init="half-whitened-pca", crop_scale=1, horizontal_flip=0, **changes)


def tiny_spec(loss: str = "soft_triple", seed: int = 0, **changes: Any) -> RunSpec:
    """Return a run of the small protocol."""
    return RunSpec(protocol=tiny_protocol(**changes), loss=loss, seed=seed)


def paths_in(folder: Path, cache: Path, name: str = "run") -> RunPaths:
    """Return the paths of a run of its own, beside a shared cache."""
    return RunPaths(folder / name, folder / f"{name}.work", cache)


def model_bytes(folder: Path) -> bytes:
    """Return the weights that a run left."""
    return (folder / "model.safetensors").read_bytes()


def stopping_after(steps: int) -> TrainingCallbacks:
    """Return callbacks that ask to stop once so many training steps are done."""
    heard: list[int] = [0]

    def hear(event: dict[str, Any]) -> None:
        if event.get("phase") == "train":
            heard.append(event["done"])

    return TrainingCallbacks(hear, lambda: heard[-1] >= steps)


def parted(dataset: DatasetFolder) -> DatasetFolder:
    """Return the data set with every third held-out picture a query and the others their gallery."""
    pictures = list(dataset.pictures)
    for place, row in enumerate(dataset.held_out):
        pictures[row] = replace(pictures[row], split="gallery" if place % 3 else "query")
    return replace(dataset, pictures=tuple(pictures), fingerprint=fingerprint_of(pictures))


def flip_byte(file: Path, place: float = 0.5) -> None:
    """Change one bit of the byte at that part of a file."""
    data = bytearray(file.read_bytes())
    data[int(len(data) * place)] ^= 1
    file.write_bytes(data)


def cut_short(file: Path) -> None:
    """Leave the first half of a file."""
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2])


def singles(dataset: DatasetFolder) -> DatasetFolder:
    """Return the data set with one picture left of each class that trains."""
    firsts = {picture.label: picture.id for picture in reversed(dataset.pictures)}
    kept = [picture for picture in dataset.pictures if picture.split != "train" or firsts[picture.label] == picture.id]
    return with_pictures(dataset, kept)


def with_pictures(dataset: DatasetFolder, pictures: Sequence[Picture]) -> DatasetFolder:
    """Return the data set with other pictures of the same folder."""
    return replace(dataset, pictures=tuple(pictures), fingerprint=fingerprint_of(pictures))
