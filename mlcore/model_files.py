"""The files of a trained network, and the encoder that they give back."""

import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from mlcore.artifacts import read_json, sha256_of_file, write_json
from mlcore.datasets import DatasetFolder
from mlcore.encode import Encoder
from mlcore.errors import CheckpointError, brief
from mlcore.models.embedder import Embedder
from mlcore.preprocessing import Preprocessing
from mlcore.runs import RunSpec

FORMAT = 1
SAMPLE_PICTURES = 4


def write_model(folder: Path, encoder: Encoder, spec: RunSpec, dataset: DatasetFolder) -> None:
    """Write model.safetensors and model.json: all that is needed to embed pictures again."""
    state = {name: tensor.cpu().contiguous() for name, tensor in encoder.embedder.state_dict().items()}
    save_file(state, folder / "model.safetensors")
    write_json(
        folder / "model.json",
        {
            "format": FORMAT,
            **spec.to_json(),
            "embedder": encoder.embedder.to_json(),
            "preprocessing": encoder.preprocessing.to_json(),
            "dim": encoder.dim,
            "weights_sha256": sha256_of_file(folder / "model.safetensors"),
            "dataset": {"name": dataset.name, "fingerprint": dataset.fingerprint},
            "sample_embeddings": encoder.embed_pixels(sample_pixels(encoder.preprocessing)).tolist(),
            "environment": environment(),
        },
    )


def load_encoder(folder: Path) -> Encoder:
    """Return the encoder of a run's folder, after checking that its files are whole.

    Raises:
        CheckpointError: a file is missing, damaged or of another format.
    """
    try:
        description = read_json(folder / "model.json")
        weights_sha256 = sha256_of_file(folder / "model.safetensors")
    except (OSError, ValueError) as error:
        raise CheckpointError(f"the model in {folder} cannot be read: {error}") from error
    _check_description(description, folder)
    if description["weights_sha256"] != weights_sha256:
        raise CheckpointError(f"the weights in {folder} are damaged: their checksum differs; train again")
    embedder = Embedder.from_json(description["embedder"])
    try:
        embedder.load_state_dict(load_file(folder / "model.safetensors"))
    except (SafetensorError, RuntimeError) as error:
        raise CheckpointError(f"the weights in {folder} do not fit their network: {brief(error)}") from error
    preprocessing = Preprocessing.from_json(description["preprocessing"])
    encoder = Encoder(embedder, preprocessing, weights_sha256)
    _check_samples(encoder, description["sample_embeddings"], folder)
    return encoder


def _check_description(description: Any, folder: Path) -> None:
    found = description.get("format") if isinstance(description, dict) else None
    if found != FORMAT:
        raise CheckpointError(f"the model in {folder} has format {found}, not {FORMAT}")
    missing = {"weights_sha256", "embedder", "preprocessing", "sample_embeddings"} - description.keys()
    if missing:
        raise CheckpointError(f"model.json in {folder} lacks {', '.join(sorted(missing))}")


def _check_samples(encoder: Encoder, stored: list[list[float]], folder: Path) -> None:
    """Refuse an engine that does not give the embeddings stored at training."""
    again = encoder.embed_pixels(sample_pixels(encoder.preprocessing))
    cosines = (again * np.asarray(stored, np.float32)).sum(axis=1)
    if not cosines.min() >= 0.999:
        raise CheckpointError(
            f"this machine gives other embeddings than the model in {folder} was stored with "
            f"(cosine {cosines.min():.4f}, at least 0.999 is needed)"
        )


def sample_pixels(preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """Return a few squares of coarse noise, the same everywhere, to compare engines by."""
    coarse = np.random.default_rng(0).integers(0, 256, (SAMPLE_PICTURES, 8, 8, 3), np.uint8)
    repeats = -(-preprocessing.crop // 8)
    fine = coarse.repeat(repeats, axis=1).repeat(repeats, axis=2)
    return fine[:, : preprocessing.crop, : preprocessing.crop]


def environment() -> dict[str, str | int]:
    """Return what, besides the run itself, its figures depend on."""
    packages = ("torch", "timm", "pytorch-metric-learning", "numpy", "pillow")
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "device": "cuda" if torch.cuda.is_available() else "cpu",
        "threads": torch.get_num_threads(),
        **{name: version(name) for name in packages},
    }
