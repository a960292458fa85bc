"""The files of a trained network, and the encoder that they give back.

torch loads only where it is used: a process of an ONNX network takes 60 MB without it, and 220 with it.
"""

import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError

from mlcore.artifacts import read_json, sha256_of_file, write_json
from mlcore.datasets import DatasetFolder
from mlcore.errors import CheckpointError, brief
from mlcore.images.preprocessing import Preprocessing
from mlcore.inference.encoder_protocol import PictureEncoder
from mlcore.runs import WEIGHTS, RunSpec

if TYPE_CHECKING:
    from mlcore.inference.encode import Encoder

FORMAT = 1
SAMPLE_PICTURES = 4
_NEEDED = {
    "timm": ("embedder", "preprocessing", "sample_embeddings"),
    "onnx": ("output", "preprocessing", "sample_embeddings"),
}


def write_model(folder: Path, encoder: "Encoder", spec: RunSpec, dataset: DatasetFolder) -> None:
    """Write model.safetensors and model.json: all that is needed to embed pictures again."""
    write_network(folder, encoder)
    about = {**spec.to_json(), "kind": "timm", "embedder": encoder.embedder.to_json()}
    write_description(folder, encoder, about, dataset)


def write_network(folder: Path, encoder: "Encoder") -> None:
    """Write model.safetensors."""
    from safetensors.torch import save_file

    state = {name: tensor.cpu().contiguous() for name, tensor in encoder.embedder.state_dict().items()}
    save_file(state, folder / WEIGHTS["timm"])


def write_description(folder: Path, encoder: PictureEncoder, about: Mapping[str, Any], dataset: DatasetFolder) -> None:
    """Write model.json beside the weights, which must be there; `about` says the kind and what it needs.

    timm: `embedder`; onnx: `output`.
    """
    write_json(
        folder / "model.json",
        {
            "format": FORMAT,
            **about,
            "preprocessing": encoder.preprocessing.to_json(),
            "dim": encoder.dim,
            "weights_sha256": sha256_of_file(folder / WEIGHTS[about["kind"]]),
            "dataset": {"name": dataset.name, "fingerprint": dataset.fingerprint},
            "sample_embeddings": encoder.embed_pixels(sample_pixels(encoder.preprocessing)).tolist(),
            "environment": environment(),
        },
    )


def load_encoder(folder: Path, threads: int | None = None) -> PictureEncoder:
    """Return the encoder of a run's folder, after checking that its files are whole.

    threads: of an ONNX network; None takes as many as torch has.

    Raises:
        CheckpointError: a file is missing, damaged or of another format, or there is no network.
        WeightsError: the ONNX network is one that is refused, or cannot be opened on this machine.
    """
    description = read_description(folder)
    kind = description["kind"]
    if kind not in WEIGHTS:
        raise CheckpointError(
            f"{folder} holds embeddings without their network: it can be searched with pictures of its gallery only"
        )
    try:
        weights_sha256 = sha256_of_file(folder / WEIGHTS[kind])
    except OSError as error:
        raise CheckpointError(f"the model in {folder} cannot be read: {error}") from error
    if description["weights_sha256"] != weights_sha256:
        raise CheckpointError(f"the weights in {folder} are damaged: their checksum differs; train again")
    encoder = _open_onnx(folder, description, threads) if kind == "onnx" else _open_timm(folder, description)
    check_samples(encoder, description["sample_embeddings"], folder)
    return encoder


def _open_timm(folder: Path, description: Mapping[str, Any]) -> "Encoder":
    from safetensors.torch import load_file

    from mlcore.inference.encode import Encoder
    from mlcore.networks.embedder import Embedder

    embedder = Embedder.from_json(description["embedder"])
    try:
        embedder.load_state_dict(load_file(folder / WEIGHTS["timm"]))
    except (SafetensorError, RuntimeError) as error:
        raise CheckpointError(f"the weights in {folder} do not fit their network: {brief(error)}") from error
    return Encoder(embedder, Preprocessing.from_json(description["preprocessing"]), description["weights_sha256"])


def _open_onnx(folder: Path, description: Mapping[str, Any], threads: int | None) -> PictureEncoder:
    from mlcore.inference.onnx_network import OnnxEncoder  # the engine loads only where it is used

    if threads is None:
        import torch

        threads = torch.get_num_threads()
    return OnnxEncoder(
        (folder / WEIGHTS["onnx"]).read_bytes(),
        Preprocessing.from_json(description["preprocessing"]),
        description["weights_sha256"],
        output=description["output"],
        threads=threads,
    )


def read_description(folder: Path) -> Mapping[str, Any]:
    """Return model.json of a folder, with the kind of its network written out.

    Raises:
        CheckpointError: it is missing, damaged, of another format, or lacks something.
    """
    try:
        description = read_json(folder / "model.json")
    except (OSError, ValueError) as error:
        raise CheckpointError(f"the model in {folder} cannot be read: {error}") from error
    found = description.get("format") if isinstance(description, dict) else None
    if found != FORMAT:
        raise CheckpointError(f"the model in {folder} has format {found}, not {FORMAT}")
    description = {"kind": "timm", **description}  # runs of the first version do not say it
    missing = {"weights_sha256", *_NEEDED.get(description["kind"], ())} - description.keys()
    if missing:
        raise CheckpointError(f"model.json in {folder} lacks {', '.join(sorted(missing))}")
    return description


def check_samples(encoder: PictureEncoder, stored: list[list[float]], folder: Path) -> None:
    """Refuse an engine that does not give the embeddings stored at training.

    Raises:
        CheckpointError: the cosine with one of them is below 0.999.
    """
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
    import torch

    packages = ("torch", "timm", "pytorch-metric-learning", "onnxruntime", "numpy", "pillow")
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "device": "cuda" if torch.cuda.is_available() else "cpu",
        "threads": torch.get_num_threads(),
        **{name: version(name) for name in packages},
    }
