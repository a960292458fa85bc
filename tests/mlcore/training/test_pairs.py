"""Training classes of one picture each: a loss that needs pairs says so, or refuses where it could learn nothing."""

from dataclasses import replace
from pathlib import Path

import pytest

from mlcore.datasets import DatasetFolder
from mlcore.errors import DatasetError, ProtocolError
from mlcore.losses import LOSSES
from mlcore.networks.backbones import BackboneSpec
from mlcore.training import train as training
from mlcore.training.setup import TrainingCallbacks
from mlcore.training.train import train
from tests.mlcore.tiny import paths_in, singles, tiny_spec, with_pictures

WITH_PAIRS = sorted(name for name, spec in LOSSES.items() if not spec.has_proxies)


def epochs_of(name: str, dataset: DatasetFolder, folder: Path, cache: Path) -> list[dict[str, object]]:
    events: list[dict[str, object]] = []
    spec = tiny_spec(name, epochs=2)
    train(spec, dataset, paths_in(folder, cache), callbacks=TrainingCallbacks(lambda event: events.append({**event})))
    return [event for event in events if event["event"] == "epoch"]


def test_pair_loss_without_a_pair_warns_once_and_sees_different_crops(
    wings: DatasetFolder, tmp_path: Path, cache_root: Path
) -> None:
    first, second = epochs_of("multi_similarity", singles(wings), tmp_path, cache_root)
    (warning,) = first["warnings"]  # type: ignore[misc]
    assert "none of the 4 classes that train has two pictures" in warning and "soft_triple" in warning
    assert "warnings" not in second
    assert first["positive_cosine"] < 0.999999  # type: ignore[operator]


def test_loss_with_proxies_and_classes_with_a_pair_get_no_warning(
    wings: DatasetFolder, tmp_path: Path, cache_root: Path
) -> None:
    assert all("warnings" not in event for event in epochs_of("soft_triple", singles(wings), tmp_path, cache_root))
    kept = {*singles(wings).pictures, wings.pictures[1]}
    pair = with_pictures(wings, [picture for picture in wings.pictures if picture in kept])
    events = epochs_of("contrastive", pair, tmp_path / "pair", cache_root)
    assert all("warnings" not in event for event in events)


@pytest.mark.parametrize("name", WITH_PAIRS)
def test_without_random_crops_there_is_nothing_to_learn(
    name: str, wings: DatasetFolder, tmp_path: Path, cache_root: Path
) -> None:
    spec = tiny_spec(name, crop_scale=1, horizontal_flip=0)
    with pytest.raises(DatasetError, match="learns from pairs; without random crops or flips"):
        train(spec, singles(wings), paths_in(tmp_path, cache_root))


@pytest.mark.parametrize("scaling", [{"mean": (127.5,) * 3}, {"std": (58.4,) * 3}, {"std": (0.0,) * 3}])
def test_scaling_of_bytes_is_refused_before_training(
    scaling: dict[str, tuple[float, ...]],
    wings: DatasetFolder,
    tmp_path: Path,
    cache_root: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    described = replace(BackboneSpec("test_resnet", "local"), **scaling)  # type: ignore[arg-type]
    monkeypatch.setattr(training, "load_backbone", lambda *given: (None, described))
    with pytest.raises(ProtocolError, match=r"for pixels in 0\.\.1; got"):
        train(tiny_spec(), wings, paths_in(tmp_path, cache_root))
