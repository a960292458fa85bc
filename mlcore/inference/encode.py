"""The torch encoder: embeddings of images in bounded memory, and cached features."""

import hashlib
import json
import os
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from mlcore.artifacts import published, read_json, sha256_of_file, write_json
from mlcore.datasets import DatasetFolder, PixelCache, open_cache
from mlcore.errors import CheckpointError
from mlcore.events import Progress, no_progress
from mlcore.images.preprocessing import Preprocessing
from mlcore.inference.encoder_protocol import PictureEncoder
from mlcore.networks.backbones import device
from mlcore.networks.embedder import Embedder

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]
BATCH = 64


class Encoder(PictureEncoder):
    """An embedder in evaluation mode with its preprocessing, computed by torch."""

    def __init__(
        self, embedder: Embedder, preprocessing: Preprocessing, weights_sha256: str = "", trunk: str = ""
    ) -> None:
        super().__init__(preprocessing, weights_sha256, trunk)
        self.device = device()
        # Channels last is a third faster here, and what `normalised` gives anyway.
        self.embedder: Embedder = embedder.to(self.device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
        self._mean = torch.tensor(preprocessing.mean, device=self.device).view(1, 3, 1, 1)
        self._std = torch.tensor(preprocessing.std, device=self.device).view(1, 3, 1, 1)

    @property
    def dim(self) -> int:
        """Length of an embedding."""
        return self.embedder.dim

    def embed_pixels(self, pixels: NDArray[np.uint8]) -> Floats:
        """Return unit-length embeddings [N, dim] of prepared squares [N, crop, crop, 3]."""
        with torch.inference_mode():
            embeddings = self.embedder(self.normalised(pixels))
            return _numpy(torch.nn.functional.normalize(embeddings, dim=-1))

    def embed_features(self, features: Floats) -> Floats:
        """Return unit-length embeddings [N, dim] of what the head sees, [N, F]."""
        with torch.inference_mode():
            embeddings = self.embedder.head(torch.from_numpy(features).to(self.device))
            return _numpy(torch.nn.functional.normalize(embeddings, dim=-1))

    def features_of_pixels(self, pixels: NDArray[np.uint8]) -> Floats:
        """Return what the head sees, [N, F], of prepared squares [N, crop, crop, 3]."""
        with torch.inference_mode():
            return _numpy(self.embedder.features(self.normalised(pixels)))

    def normalised(self, pixels: NDArray[np.uint8]) -> Tensor:
        """Return the network's input [N, 3, H, W] of squares [N, H, W, 3]."""
        tensor = torch.from_numpy(np.ascontiguousarray(pixels)).to(self.device)
        return (tensor.permute(0, 3, 1, 2).float() / 255 - self._mean) / self._std


def _numpy(tensor: Tensor) -> Floats:
    return tensor.cpu().numpy().astype(np.float32, copy=False)


def open_pixels(
    preprocessing: Preprocessing, dataset: DatasetFolder, root: Path, progress: Progress = no_progress
) -> PixelCache:
    """Return the pixels of a data set, resized as `preprocessing` says; built below `root` if not there yet."""
    return open_cache(dataset, preprocessing.short_side, root, progress, interpolation=preprocessing.interpolation)


def evaluation_pixels(cache: PixelCache, rows: Rows, preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """Return the prepared squares [N, crop, crop, 3] of some rows of a cache of the same short side.

    Raises:
        ValueError: the cache was resized with another interpolation.
    """
    if cache.interpolation != preprocessing.interpolation:
        raise ValueError(
            f"the cached pixels are {cache.interpolation}, the model wants {preprocessing.interpolation}: "
            "open the cache with open_pixels"
        )
    return preprocessing.pixels([Image.fromarray(cache[row]) for row in rows])


def embed_rows(encoder: PictureEncoder, cache: PixelCache, rows: Rows, progress: Progress = no_progress) -> Floats:
    """Return unit-length embeddings [len(rows), dim] of some rows of a cache."""
    return _in_blocks(encoder.embed_pixels, encoder, cache, rows, ("embed", progress))


def _in_blocks(
    network: Callable[[NDArray[np.uint8]], Floats],
    encoder: PictureEncoder,
    cache: PixelCache,
    rows: Rows,
    reporting: tuple[str, Progress],
) -> Floats:
    phase, progress = reporting
    parts = []
    for start in range(0, len(rows), BATCH):
        progress(phase, start, len(rows))
        block = rows[start : start + BATCH]
        parts.append(network(evaluation_pixels(cache, block, encoder.preprocessing)))
    progress(phase, len(rows), len(rows))
    return np.concatenate(parts)


def cached_features(
    encoder: Encoder,
    dataset: DatasetFolder,
    cache: PixelCache,
    root: Path,
    progress: Progress = no_progress,
    *,
    engine: str = "torch",
) -> Floats:
    """Return the pooled features [N, F] of every picture, computed once per backbone, data set and engine.

    Stored under `root` by the hash of pixels, network, pooling, preprocessing and what computes: see
    `Protocol.feature_engine`.

    Raises:
        ProtocolError: ONNX Runtime is wanted, and computes other features than PyTorch.
    """
    folder = features_folder(encoder, dataset, root, engine)
    if not folder.exists():
        _store_features(features_of_cache(feature_network(encoder, engine), encoder, cache, progress), folder)
    os.utime(folder)  # when it was last used, for whoever clears away what is not
    file = folder / "features.npy"
    if sha256_of_file(file) != read_json(folder / "manifest.json")["sha256"]:
        raise CheckpointError(f"the cached features in {folder} are damaged; remove that folder")
    features: Floats = np.load(file, allow_pickle=False)
    return features


def features_folder(encoder: Encoder, dataset: DatasetFolder, root: Path, engine: str = "torch") -> Path:
    """Return where the features of a data set are, or will be, kept."""
    embedder = encoder.embedder
    identity = [
        embedder.spec.architecture,
        json.dumps(embedder.spec.arguments, sort_keys=True),  # padding, say, is in no weight
        state_sha256(embedder.backbone),
        embedder.pooling,
        state_sha256(embedder.pool),
        encoder.preprocessing.fingerprint,
        *(picture.sha256 for picture in dataset.pictures),
    ]
    if _takes_onnx(encoder, engine):
        from mlcore.inference.engine import EXPORTER

        identity.append(f"onnxruntime {version('onnxruntime')}, exporter {EXPORTER}")
    return root / f"features-{hashlib.sha256(' '.join(identity).encode()).hexdigest()[:24]}"


Network = Callable[[NDArray[np.uint8]], Floats]
"""From prepared squares [N, crop, crop, 3] to features [N, F]."""


def feature_network(encoder: Encoder, engine: str) -> Network:
    """Return what computes the features of an encoder that does not learn. Raises as `cached_features` does."""
    if not _takes_onnx(encoder, engine):
        return encoder.features_of_pixels
    from mlcore.inference.engine_export import exported_trunk

    return exported_trunk(encoder).features_of_pixels


def _takes_onnx(encoder: Encoder, engine: str) -> bool:
    return engine == "onnxruntime" and encoder.device.type == "cpu"


def features_of_cache(
    network: Network, encoder: Encoder, cache: PixelCache, progress: Progress = no_progress
) -> Floats:
    """Return the features [N, F] of every picture of a cache."""
    return _in_blocks(network, encoder, cache, np.arange(len(cache)), ("features", progress))


def _store_features(features: Floats, folder: Path) -> None:
    try:
        with published(folder) as scratch:
            np.save(scratch / "features.npy", features)
            write_json(scratch / "manifest.json", {"sha256": sha256_of_file(scratch / "features.npy")})
    except FileExistsError:
        return  # another run stored the same features meanwhile


def state_sha256(module: nn.Module) -> str:
    """Return the hex SHA-256 of a module's tensors, names included."""
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(tensor.cpu().numpy()).tobytes())
    return digest.hexdigest()
