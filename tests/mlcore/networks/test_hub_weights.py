"""Weights from the hub, by the download of timm itself: a server on the loopback stands in for the hub.

The client of the hub reads its endpoint when it is imported, so each test has a process of its own.
"""

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save

from mlcore.artifacts import read_json
from mlcore.datasets import DatasetFolder
from mlcore.errors import WeightsError
from mlcore.networks.backbones import check_on_hub, timm
from mlcore.weights import HUB_WEIGHTS, HubWeights, hub_changes, overlap_warning

ROOT = Path(__file__).parents[3]
NAME = "test_resnet.r160_in1k"


class Hub(BaseHTTPRequestHandler):
    """Has one model with one file."""

    files: dict[str, bytes] = {}
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.give(self.files.get(self.path))

    def do_GET(self) -> None:
        content = self.files.get(self.path)
        self.give(content)
        self.wfile.write(content or b"")

    def give(self, content: bytes | None) -> None:
        self.send_response(200 if content is not None else 404)
        if content is None:
            self.send_header("X-Error-Code", "RepoNotFound")
        else:
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", "0" * 40)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a hub that has NAME, with constant tensors."""
    backbone = timm.create_model("test_resnet")
    tensors = {name: tensor.fill_(0.25) for name, tensor in backbone.state_dict().items()}
    monkeypatch.setattr(Hub, "files", {f"/timm/{NAME}/resolve/main/model.safetensors": save(tensors)})
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def run(words: list[str], home: Path, **settings: str) -> "subprocess.CompletedProcess[str]":
    """Run Python with an empty cache of the hub, beside no proxy."""
    environment = {**os.environ, "HF_HOME": str(home), "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", **settings}
    return subprocess.run([sys.executable, *words], cwd=ROOT, env=environment, capture_output=True, text=True)


def test_a_run_starts_from_weights_that_timm_fetches(hub: str, wings: DatasetFolder, tmp_path: Path) -> None:
    words = ["-m", "mlcore", "train", "--data", str(wings.folder), "--out", str(tmp_path / "run"), "--json"]
    words += ["--cache", str(tmp_path / "cache"), "--preset", "frozen-features", "--loss", "untrained"]
    words += ["--set", "crop=32", "--set", "short_side=32", "--weights", f"hub:{NAME}"]
    finished = run(words, tmp_path / "home", HF_ENDPOINT=hub)
    assert finished.returncode == 0, finished.stderr
    backbone = read_json(tmp_path / "run" / "model.json")["embedder"]["backbone"]
    assert (backbone["architecture"], backbone["weights"]) == ("test_resnet", "hub:r160_in1k")
    config = timm.get_pretrained_cfg(NAME)
    assert (tuple(backbone["mean"]), backbone["interpolation"]) == (config.mean, config.interpolation)
    vectors = np.load(tmp_path / "run" / "embeddings.npy")
    assert np.isfinite(vectors).all() and np.allclose(vectors, vectors[:1], atol=1e-5), "all weights are alike"


def test_weights_that_cannot_be_had_are_explained(hub: str, tmp_path: Path) -> None:
    code = """
import json
from mlcore.errors import MlcoreError
from mlcore.networks.backbones import load_backbone
said = []
for architecture in ("test_resnet", "test_vit"):
    try:
        said.append(load_backbone(architecture, "hub", None, 64)[1].weights)
    except MlcoreError as error:
        said.append(str(error))
print(json.dumps(said))
"""
    there, gone = json.loads(run(["-c", code], tmp_path / "home", HF_ENDPOINT=hub).stdout)
    assert there == "hub:r160_in1k" and "does not give out the weights of test_vit" in gone
    kept, offline = json.loads(run(["-c", code], tmp_path / "home", HF_ENDPOINT=hub, HF_HUB_OFFLINE="1").stdout)
    assert kept == "hub:r160_in1k", "what was fetched once needs no network"
    assert "could not be fetched" in offline and "Connect to the network" in offline


@pytest.mark.parametrize(
    ("weights", "changes"),
    [
        ("hub:resnet50", {"backbone": "resnet50", "weights": "hub"}),
        ("hub:resnet50.a1_in1k", {"backbone": "resnet50", "weights": "hub:a1_in1k"}),
    ],
)
def test_a_name_on_the_hub_sets_backbone_and_weights(weights: str, changes: dict[str, str]) -> None:
    assert hub_changes(weights) == changes


@pytest.mark.parametrize("weights", ["hub:", "hub:../secret", "hub:a b", "hub:resnet50."])
def test_no_name_on_the_hub(weights: str) -> None:
    with pytest.raises(WeightsError, match="named as by timm"):
        hub_changes(weights)


def test_unknown_weights_are_refused_without_a_network() -> None:
    with pytest.raises(WeightsError, match="no weights 'nothing' of resnet50; it has a1_in1k"):
        check_on_hub("resnet50", "nothing")
    with pytest.raises(WeightsError, match="no pre-trained weights of efficientnet_lite1"):
        check_on_hub("efficientnet_lite1")
    check_on_hub("resnet50", "a1_in1k")


@pytest.mark.parametrize("row", HUB_WEIGHTS, ids=lambda row: row.architecture)
def test_the_table_says_what_timm_says(row: HubWeights) -> None:
    config = timm.get_pretrained_cfg(row.architecture)
    assert row.tag == config.tag
    assert row.licence.lower().replace(" ", "-") == config.license
    with torch.device("meta"):
        tensors = timm.create_model(row.architecture).state_dict().values()
    assert round(sum(tensor.numel() * tensor.element_size() for tensor in tensors) / 1e6) == row.megabytes


def test_every_training_has_its_warning() -> None:
    assert "birds" in overlap_warning("ImageNet-1k") and "web" in overlap_warning("WebLI, pictures with texts")
    assert "not stated" in overlap_warning("")
