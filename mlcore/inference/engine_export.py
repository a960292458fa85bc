"""Export of trunks to ONNX: by PyTorch's exporter, and held to PyTorch before anybody is served."""

import shutil
import threading
import warnings
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mlcore.artifacts import published, read_json, sha256_of_file, write_json
from mlcore.errors import ProtocolError, WeightsError, brief
from mlcore.inference.encode import Encoder
from mlcore.inference.engine import (
    FEATURES,
    MANIFEST,
    NETWORK,
    PIXELS,
    EngineEncoder,
    OnnxTrunk,
    StoredNetwork,
    is_sound,
    keep_record,
    read_network,
    trunk_folder,
)
from mlcore.inference.model_files import load_encoder, sample_pixels
from mlcore.networks.embedder import Embedder

MOST_DIFFERENCE = 1e-4
"""Largest distance between the unit-length embeddings of both engines."""
_exporting = threading.Lock()  # the exporter keeps its state in the module


class _PixelsToFeatures(nn.Module):
    """The trunk with its scaling of pixels: uint8 [1, crop, crop, 3] to float32 [1, F]."""

    def __init__(self, embedder: Embedder, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.embedder, self.mean, self.std = embedder, mean, std

    def forward(self, pixels: Tensor) -> Tensor:
        scaled = (pixels.permute(0, 3, 1, 2).float() / 255 - self.mean) / self.std
        return self.embedder.features(scaled)


def prepare_engine(folder: Path, cache: Path) -> str:
    """Export the trunk of a stored model, unless it is there; return why PyTorch has to embed, "" where it has not.

    Raises:
        CheckpointError: a file of the model is missing, damaged or of another format.
    """
    return try_engine(read_network(folder), cache)


def try_engine(network: StoredNetwork, cache: Path) -> str:
    """Export the trunk of a network, unless it is there and whole, compare both engines, and note what came of it.

    Returns why PyTorch has to embed, "" where it has not. Raises as `prepare_engine` does.
    """
    encoder = load_encoder(network.folder)
    if not isinstance(encoder, Encoder):
        raise TypeError(f"{network.folder} holds no network of PyTorch")
    folder = trunk_folder(network, cache)
    if folder.exists() and not is_sound(folder):
        shutil.rmtree(folder, ignore_errors=True)
    if not folder.exists():
        with suppress(FileExistsError), published(folder) as scratch:  # another process stored the same meanwhile
            _export_into(scratch, encoder)
    reason = read_json(folder / MANIFEST)["why_pytorch"] or _difference(network, encoder, folder / NETWORK)
    keep_record(network, cache, reason)
    return str(reason)


def _export_into(folder: Path, encoder: Encoder) -> None:
    """Write the network, if it can be exported, and the manifest."""
    manifest = {"format": 1, "sha256": "", "why_pytorch": ""}
    try:
        export_trunk(encoder, folder / NETWORK)
        manifest["sha256"] = sha256_of_file(folder / NETWORK)
    except WeightsError as error:
        manifest["why_pytorch"] = str(error)
    write_json(folder / MANIFEST, manifest)


def export_trunk(encoder: Encoder, file: Path) -> None:
    """Write the trunk of an encoder as an ONNX network that takes one picture.

    A batch takes as long a picture. With every size fixed, paddings become a part of their convolutions: MobileNetV2
    takes a fifth less time.

    Raises:
        WeightsError: PyTorch cannot export it.
    """
    crop = encoder.preprocessing.crop
    mean, std = (
        torch.tensor(values, device=encoder.device).view(1, 3, 1, 1)
        for values in (encoder.preprocessing.mean, encoder.preprocessing.std)
    )
    example = torch.zeros(1, crop, crop, 3, dtype=torch.uint8, device=encoder.device)
    try:
        with _exporting, torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that shapes are taken as they are, which is meant: they are fixed
            torch.onnx.export(
                _PixelsToFeatures(encoder.embedder, mean, std).eval(),
                (example,),
                file,
                input_names=[PIXELS],
                output_names=[FEATURES],
                dynamo=False,  # the other exporter wants another package, and gives no faster network
            )
    except Exception as error:  # an exporter meets any code of any architecture, and raises anything
        raise WeightsError(f"PyTorch cannot export the network to ONNX: {brief(error)}") from error


def exported_trunk(encoder: Encoder) -> OnnxTrunk:
    """Return the trunk of an encoder in ONNX Runtime, with as many threads as PyTorch has.

    Raises:
        ProtocolError: it cannot be exported, or its features of the sample pictures point elsewhere.
    """
    way_out = "set feature_engine to torch"
    try:
        with TemporaryDirectory() as folder:
            export_trunk(encoder, Path(folder) / NETWORK)
            trunk = OnnxTrunk((Path(folder) / NETWORK).read_bytes(), torch.get_num_threads())
        pixels = sample_pixels(encoder.preprocessing)
        found, expected = (network.features_of_pixels(pixels) for network in (trunk, encoder))
    except WeightsError as error:
        raise ProtocolError(f"{error}; {way_out}") from error
    distance = _largest_distance(_directions(found), _directions(expected))
    if distance > MOST_DIFFERENCE:
        raise ProtocolError(f"ONNX Runtime gives features {distance:.1e} away from PyTorch; {way_out}")
    return trunk


def _directions(features: NDArray[np.float32]) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    return unit


def _difference(network: StoredNetwork, encoder: Encoder, file: Path) -> str:
    """Return how ONNX Runtime embeds otherwise than PyTorch, "" where it does not by more than rounding.

    Several pictures together and one alone: an exporter may take the number of its example for a constant.
    """
    pixels = sample_pixels(network.preprocessing)
    try:
        engine = EngineEncoder(
            OnnxTrunk(file.read_bytes(), threads=1),
            network.head,
            network.preprocessing,
            network.weights_sha256,
            network.trunk,
        )
        found = np.concatenate([engine.embed_pixels(pixels[:3]), engine.embed_pixels(pixels[3:])])
    except WeightsError as error:
        return str(error)
    with torch.backends.cudnn.flags(enabled=False):  # a GPU would multiply with fewer digits, and differ by that
        expected = encoder.embed_pixels(pixels)
    distance = _largest_distance(found, expected)
    if distance <= MOST_DIFFERENCE:
        return ""
    return (
        f"ONNX Runtime embeds the sample pictures up to {distance:.1e} away from PyTorch; "
        f"at most {MOST_DIFFERENCE:.0e} is allowed"
    )


def _largest_distance(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> float:
    """Return the largest distance between rows; infinite where the shapes differ or a number is none."""
    if ours.shape != theirs.shape:
        return float("inf")
    distance = float(np.linalg.norm(ours - theirs, axis=1).max())
    return distance if np.isfinite(distance) else float("inf")
