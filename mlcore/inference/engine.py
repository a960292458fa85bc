"""The engine that embeds pictures on a CPU: ONNX Runtime, where a trained network runs in it as in PyTorch.

A trained network is exported without its head, so models whose trunk has the same weights share one session and one
forward pass. What is exported lies in a cache, as folders that can be made again:

    trunk-FINGERPRINT/network.onnx      pixels, uint8 [1, crop, crop, 3], to features, float32 [1, F]
    trunk-FINGERPRINT/manifest.json     its SHA-256, or why it could not be exported
    trunk-FINGERPRINT/WEIGHTS.json      of a model with this trunk: why PyTorch embeds instead, "" where it does not

torch loads only where it embeds or exports: it takes seconds and 200 MB.
"""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, deserialize

from mlcore.artifacts import read_json, sha256_of_file, write_whole
from mlcore.errors import CheckpointError, WeightsError, brief
from mlcore.images.preprocessing import Preprocessing
from mlcore.inference.encoder_protocol import PictureEncoder
from mlcore.inference.model_files import check_samples, load_encoder, read_description
from mlcore.inference.onnx_session import ENGINE_ERRORS, open_session
from mlcore.runs import WEIGHTS

Floats = NDArray[np.float32]

EXPORTER = 2
"""Part of every fingerprint: raise it where the exported network changes."""
NETWORK, MANIFEST = "network.onnx", "manifest.json"
PIXELS, FEATURES = "pixels", "features"
_UNREADABLE = (OSError, ValueError, TypeError, KeyError)  # JSON that is missing, damaged or of another shape
GPU_NODES = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")  # NVIDIA, AMD, Windows' Linux


class OnnxTrunk:
    """A trunk in ONNX Runtime. Threads may share it.

    Raises:
        WeightsError: ONNX Runtime cannot open it.
    """

    def __init__(self, data: bytes, threads: int) -> None:
        self._session = open_session(data, threads)

    def features_of_pixels(self, pixels: NDArray[np.uint8]) -> Floats:
        """Return features [N, F] of prepared squares [N, crop, crop, 3].

        Raises:
            WeightsError: the network cannot be run, or gives something else.
        """
        return np.concatenate([self._run(pixels[row : row + 1]) for row in range(len(pixels))])

    def _run(self, pixels: NDArray[np.uint8]) -> Floats:
        try:
            features: Floats = self._session.run([FEATURES], {PIXELS: np.ascontiguousarray(pixels)})[0]
        except ENGINE_ERRORS as error:
            raise WeightsError(f"ONNX Runtime cannot run the network: {brief(error)}") from error
        if features.ndim != 2 or len(features) != 1:
            raise WeightsError(f"ONNX Runtime gives {list(features.shape)} for a picture, not one row")
        return features


@dataclass(frozen=True)
class Head:
    """A linear head: weight [dim, F] and bias [dim]."""

    weight: Floats
    bias: Floats


class EngineEncoder(PictureEncoder):
    """A trained network in ONNX Runtime: a trunk, shared with other models, and a head of its own.

    head: None where features are the embeddings.
    """

    def __init__(
        self, network: OnnxTrunk, head: Head | None, preprocessing: Preprocessing, weights_sha256: str, trunk: str
    ) -> None:
        super().__init__(preprocessing, weights_sha256, trunk)
        self.network, self._head = network, head
        shape = (1, preprocessing.crop, preprocessing.crop, 3)
        self._dim = int(self.embed_pixels(np.zeros(shape, np.uint8)).shape[1])

    @property
    def dim(self) -> int:
        """Length of an embedding."""
        return self._dim

    def features_of_pixels(self, pixels: NDArray[np.uint8]) -> Floats:
        """Return what the head sees, [N, F], of prepared squares [N, crop, crop, 3]."""
        return self.network.features_of_pixels(pixels)

    def embed_features(self, features: Floats) -> Floats:
        """Return unit-length embeddings [N, dim] of what the head sees, [N, F]."""
        embeddings = features if self._head is None else features @ self._head.weight.T + self._head.bias
        lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
        unit: Floats = embeddings / np.maximum(lengths, np.float32(1e-12))
        return unit

    def embed_pixels(self, pixels: NDArray[np.uint8]) -> Floats:
        """Return unit-length embeddings [N, dim] of prepared squares [N, crop, crop, 3]."""
        return self.embed_features(self.features_of_pixels(pixels))


Tensors = Mapping[str, Mapping[str, Any]]
"""Shape, type and bytes of each tensor, by its name."""


@dataclass(frozen=True)
class StoredNetwork:
    """A trained network as its folder holds it: the description and the tensors, whose checksum was compared."""

    folder: Path
    description: Mapping[str, Any]
    tensors: Tensors

    @property
    def preprocessing(self) -> Preprocessing:
        """How pictures are prepared."""
        return Preprocessing.from_json(self.description["preprocessing"])

    @property
    def weights_sha256(self) -> str:
        """The checksum of its weights."""
        return str(self.description["weights_sha256"])

    @cached_property
    def trunk(self) -> str:
        """A fingerprint of all that decides about a picture's features, and about how the trunk is exported."""
        backbone = self.description["embedder"]["backbone"]
        identity = [
            backbone["architecture"],
            backbone["arguments"],
            self.description["embedder"]["pooling"],
            self.preprocessing.fingerprint,
            [EXPORTER, version("torch"), version("timm")],
        ]
        digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode())
        for name, tensor in sorted(self.tensors.items()):
            if not name.startswith("head."):
                digest.update(json.dumps([name, tensor["dtype"], tensor["shape"]]).encode())
                digest.update(tensor["data"])
        return digest.hexdigest()

    @property
    def head(self) -> Head | None:
        """The linear head, if there is one."""
        if self.description["embedder"]["dim"] is None:
            return None
        return Head(*(_float32(self.tensors[name]) for name in ("head.weight", "head.bias")))


def _float32(tensor: Mapping[str, Any]) -> Floats:
    return np.frombuffer(tensor["data"], np.float32).reshape(tensor["shape"])


def read_network(folder: Path) -> StoredNetwork:
    """Return the network of a run's folder.

    Raises:
        CheckpointError: a file is missing, damaged or of another format.
    """
    description = read_description(folder)
    try:
        data = (folder / WEIGHTS["timm"]).read_bytes()
    except OSError as error:
        raise CheckpointError(f"the model in {folder} cannot be read: {error}") from error
    if hashlib.sha256(data).hexdigest() != description["weights_sha256"]:
        raise CheckpointError(f"the weights in {folder} are damaged: their checksum differs; train again")
    try:
        return StoredNetwork(folder, description, dict(deserialize(data)))  # type: ignore[no-untyped-call]
    except SafetensorError as error:
        raise CheckpointError(f"the weights in {folder} do not fit their network: {brief(error)}") from error


OpenTrunk = Callable[[str, Callable[[], OnnxTrunk]], OnnxTrunk]
"""Gives the trunk of a fingerprint: one that is open already, or what the function opens."""


def load_engine(
    folder: Path, cache: Path, threads: int, open_trunk: OpenTrunk = lambda trunk, load: load()
) -> PictureEncoder:
    """Return the encoder of a trained model by the fastest engine that embeds as it was trained.

    ONNX Runtime on a CPU; PyTorch where the network differs in it or cannot be exported, and on a GPU. The trunk is
    exported now where the cache does not have it, or has it damaged.

    Raises:
        CheckpointError: a file of the model is missing, damaged or of another format.
    """
    network = read_network(folder)
    if has_gpu() or why_pytorch(network, cache):
        return _load_torch(network, threads)
    file = trunk_folder(network, cache) / NETWORK
    trunk = open_trunk(network.trunk, lambda: OnnxTrunk(file.read_bytes(), threads))
    encoder = EngineEncoder(trunk, network.head, network.preprocessing, network.weights_sha256, network.trunk)
    try:
        check_samples(encoder, network.description["sample_embeddings"], folder)
    except CheckpointError:  # PyTorch may still give them; if not, the same is raised once more
        keep_record(network, cache, "ONNX Runtime gives other embeddings here than the model was stored with")
        return _load_torch(network, threads)
    return encoder


def _load_torch(network: StoredNetwork, threads: int) -> PictureEncoder:
    import torch

    torch.set_num_threads(threads)
    encoder = load_encoder(network.folder)
    encoder.trunk = network.trunk
    return encoder


def has_gpu() -> bool:
    """Say whether PyTorch has a GPU here; where there is none, it is not loaded for that."""
    if not any(Path(node).exists() for node in GPU_NODES):
        return False
    from mlcore.networks.backbones import device

    return device().type == "cuda"


def why_pytorch(network: StoredNetwork, cache: Path) -> str:
    """Return why PyTorch embeds with a network on a CPU, "" where ONNX Runtime does; tried out now if it is not known.

    Raises:
        CheckpointError: the weights do not fit the network.
    """
    record = _record_of(network, cache)
    reason = _reason_in(record) if is_sound(record.parent) else None
    if reason is None:
        from mlcore.inference.engine_export import try_engine

        reason = try_engine(network, cache)
    os.utime(record.parent)  # when it was last used, for whoever clears away what is not
    return reason


def is_sound(trunk: Path) -> bool:
    """Say whether the folder of a trunk is whole: it has the network that its manifest means, or why there is none."""
    try:
        manifest = read_json(trunk / MANIFEST)
        return bool(manifest["why_pytorch"]) or sha256_of_file(trunk / NETWORK) == manifest["sha256"]
    except _UNREADABLE:
        return False


def keep_record(network: StoredNetwork, cache: Path, reason: str) -> None:
    """Note beside the trunk why PyTorch embeds with a model, "" where it does not."""
    data = json.dumps({"format": 1, "why_pytorch": reason})
    write_whole(_record_of(network, cache), data.encode())


def known_reason(weights_sha256: str, cache: Path) -> str:
    """Return why PyTorch embeds with the model of those weights; "" where it does not, or where nobody has tried."""
    records = sorted(cache.glob(f"trunk-*/{weights_sha256[:24]}.json"), key=lambda file: file.stat().st_mtime)
    return (_reason_in(records[-1]) if records else None) or ""


def _reason_in(record: Path) -> str | None:
    """Return what a record says; None where there is none, or none that can be read."""
    try:
        return str(read_json(record)["why_pytorch"])
    except _UNREADABLE:
        return None


def trunk_folder(network: StoredNetwork, cache: Path) -> Path:
    """Return where the exported trunk lies, or will lie."""
    return cache / f"trunk-{network.trunk[:24]}"


def _record_of(network: StoredNetwork, cache: Path) -> Path:
    return trunk_folder(network, cache) / f"{network.weights_sha256[:24]}.json"
