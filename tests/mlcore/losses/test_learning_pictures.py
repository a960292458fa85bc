"""Every loss, trained on drawn pictures, finds classes it has never seen; on shuffled labels it does not."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlcore.datasets import DatasetFolder, import_pictures, load_dataset, open_cache, open_source
from mlcore.inference.encode import embed_rows
from mlcore.inference.model_files import load_encoder
from mlcore.losses import LOSSES
from mlcore.runs import RunSpec
from mlcore.training.train import RunPaths, train
from tests.mlcore.tiny import tiny_protocol

pytestmark = pytest.mark.learning

SIDE = 48
PROTOCOL = tiny_protocol(
    backbone="test_resnet", dim=32, short_side=SIDE, crop=SIDE, crop_scale=0.6, epochs=10, batch_size=32,
    samples_per_class=4, learning_rate=3e-3, proxy_rate_factor=10.0,
)  # fmt: skip

# These learn too little in the smallest network: a larger one, which takes four times as long, at its own rate.
LARGER = {"backbone": "resnet10t", "learning_rate": 1e-3}
# From random weights the hardest of many strangers drives a network into collapse: fewer a batch, a lower rate.
CHANGES: dict[str, dict[str, Any]] = {
    "circle": LARGER,
    "recall_at_k_surrogate": LARGER,
    "triplet_hard": {**LARGER, "batch_size": 12, "samples_per_class": 3, "learning_rate": 5e-4},
}
LEAST_GAIN = 0.01
# The first of each family every time, all of them after a change to losses and in `make ci-full`.
FIRST_OF_FAMILY = {spec.family: name for name, spec in reversed(LOSSES.items())}.values()


@pytest.fixture(scope="module")
def species(one_thread: None, tmp_path_factory: pytest.TempPathFactory) -> DatasetFolder:
    """Thirty-two species of sixteen pictures, half of them to train."""
    folder = tmp_path_factory.mktemp("species") / "wings"
    with open_source(f"wings:species=32,per_class=16,size={SIDE}") as source:
        import_pictures(source, folder)
    return load_dataset(folder)


@pytest.fixture(scope="module")
def shuffled(species: DatasetFolder) -> DatasetFolder:
    """The same pictures, the labels of the training half dealt out anew."""
    rows = species.rows("train")
    dealt = np.random.default_rng(0).permutation(species.labels[rows])
    labels = dict(zip(rows.tolist(), dealt.tolist(), strict=True))
    pictures = [replace(picture, label=labels.get(row, picture.label)) for row, picture in enumerate(species.pictures)]
    return replace(species, pictures=tuple(pictures), fingerprint="shuffled")


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    yield tmp_path_factory.mktemp("runs")


def place_of(places: Path, name: str) -> RunPaths:
    return RunPaths(places / name, places / f"{name}.work", places / "cache")


def run(loss: str, dataset: DatasetFolder, paths: RunPaths) -> dict[str, Any]:
    return train(RunSpec(protocol=PROTOCOL.with_changes(**CHANGES.get(loss, {})), loss=loss), dataset, paths)


@pytest.fixture(scope="module")
def untrained(species: DatasetFolder, places: Path) -> Callable[[str], float]:
    """Held-out Recall@1 of a loss's network before any training."""

    @cache
    def of_network(backbone: str) -> float:
        spec = RunSpec(protocol=PROTOCOL.with_changes(backbone=backbone), loss="untrained")
        return float(train(spec, species, place_of(places, f"untrained-{backbone}"))["recall_at"]["1"])

    return lambda loss: of_network(CHANGES.get(loss, {}).get("backbone", PROTOCOL.backbone))


@pytest.mark.parametrize(
    "loss", [pytest.param(loss, marks=() if loss in FIRST_OF_FAMILY else pytest.mark.full) for loss in LOSSES]
)
def test_every_loss_learns_to_find_classes_it_has_not_seen(
    loss: str, species: DatasetFolder, shuffled: DatasetFolder, places: Path, untrained: Callable[[str], float]
) -> None:
    whole = place_of(places, loss)
    learned = run(loss, species, whole)["recall_at"]["1"]
    misled = run(loss, shuffled, place_of(places, f"{loss}-shuffled"))["recall_at"]["1"]
    assert learned > untrained(loss) + LEAST_GAIN and learned > misled + LEAST_GAIN

    again = embed_rows(load_encoder(whole.out), open_cache(species, SIDE, whole.cache), np.arange(20))
    assert np.abs(again - np.load(whole.out / "embeddings.npy")[:20]).max() < 1e-5, "what is exported is what learned"
