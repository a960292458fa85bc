"""A real pre-trained network on real photographs, where this machine has them."""

import json
import os
import zipfile
from pathlib import Path

import pytest

from mlcore.artifacts import read_json, sha256_of_file
from mlcore.cli import main
from mlcore.datasets import import_pictures, open_source

SHARED = Path(os.environ.get("KINDRED_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))
WEIGHTS = sorted(SHARED.glob("mobilenetv2_100.imagenet.safetensors"))  # at most one; where there is none, no case
CLASSES, PICTURES = 12, 8


def unpack_some_classes(archive: Path, folder: Path) -> None:
    """Unpack the first pictures of a few classes that lie far apart, as class folders."""
    with zipfile.ZipFile(archive) as file:
        by_class: dict[str, list[str]] = {}
        for name in file.namelist():
            if name.endswith(".jpg"):
                by_class.setdefault(name.split("/")[1], []).append(name)
        for class_name in sorted(by_class)[:: len(by_class) // CLASSES][:CLASSES]:
            (folder / class_name).mkdir(parents=True)
            for name in sorted(by_class[class_name])[:PICTURES]:
                (folder / class_name / Path(name).name).write_bytes(file.read(name))


@pytest.mark.usefixtures("own_signals", "one_thread")
@pytest.mark.parametrize("weights", WEIGHTS, ids=lambda path: path.name)
def test_the_untrained_network_knows_cars_it_has_never_seen(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unpack_some_classes(SHARED / "cars196_160_24pc.zip", tmp_path / "cars")
    with open_source(tmp_path / "cars") as source:
        import_pictures(source, tmp_path / "data")
    places = ["--data", tmp_path / "data", "--out", tmp_path / "run", "--cache", tmp_path / "cache"]
    words = ["train", *places, "--weights", weights, "--preset", "fine-tune-small", "--loss", "untrained", "--json"]
    assert main([str(word) for word in words]) == 0
    metrics = json.loads(capsys.readouterr().out)
    backbone = read_json(tmp_path / "run" / "model.json")["embedder"]["backbone"]
    assert backbone["arguments"] == {"pad_type": "same"}, "with plain padding it loads, and is several points worse"
    assert backbone["weights_sha256"] == sha256_of_file(weights)
    assert metrics["queries"] == CLASSES // 2 * PICTURES
    assert metrics["recall_at"]["1"] > 0.5, "chance is 0.15"
