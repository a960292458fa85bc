"""Further metrics of finished runs: of those stored before there were any, and of altered queries where asked for."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from mlcore.artifacts import read_json
from mlcore.datasets import DatasetFolder
from mlcore.errors import DatasetError
from mlcore.evaluation.further import (
    Rows,
    measure_further,
    measure_robustness,
    read_further,
    write_further,
)
from mlcore.evaluation.query_corruptions import corrupted
from mlcore.events import Progress, no_progress
from mlcore.inference.encode import BATCH, Encoder, Floats, evaluation_pixels, open_pixels, state_sha256
from mlcore.inference.encoder_protocol import PictureEncoder
from mlcore.inference.model_files import load_encoder
from mlcore.runs import WEIGHTS, RunSpec, read_ids
from mlcore.training.run_data import training_rows

_SPEC = ("protocol", "loss", "params", "seed", "fold", "measured_on")


class LaterMetrics:
    """Measures finished runs on one data set, one after another.

    Runs that share a frozen backbone compute its features of altered pictures once: 4,096 of 2,048 numbers take
    32 MiB a kind.
    """

    def __init__(self, dataset: DatasetFolder, cache: Path, progress: Progress = no_progress) -> None:
        """Take the data set and the folder of decoded pictures."""
        self.dataset, self.cache, self.progress = dataset, cache, progress
        self._backbone, self._features = "", dict[str, Floats]()

    def add(self, folder: Path, *, robustness: bool = False) -> bool:
        """Measure what the folder of a run or external model lacks; return whether there was something.

        Raises:
            DatasetError: its embeddings are of another data set, or were measured on validation classes.
            CheckpointError: its network is damaged or missing; only altered queries need it.
        """
        found = read_further(folder)
        asks_queries = robustness and not (found and found["robustness"]) and _has_network(folder)
        if found and not asks_queries:
            return False
        rows, embeddings = self.dataset.held_out, self._embeddings(folder)
        if not found:
            found = measure_further(embeddings, self.dataset, rows, self._training_rows(folder), self.progress)
        if asks_queries:
            embed = self._embedding_of(load_encoder(folder))
            found["robustness"] = measure_robustness(embeddings, self.dataset, rows, embed, self.progress)
        write_further(folder, found)
        return True

    def _embeddings(self, folder: Path) -> Floats:
        described = read_json(folder / "model.json")
        if described["dataset"]["fingerprint"] != self.dataset.fingerprint:
            raise DatasetError(f"{folder} holds embeddings of {described['dataset']['name']}, not of this data set")
        places = {int(picture): row for row, picture in enumerate(read_ids(folder))}
        missing = set(self.dataset.ids.tolist()) - places.keys()
        if missing:
            raise DatasetError(f"{folder} has no embedding of picture {min(missing)}; embed the data set again")
        embeddings: Floats = np.load(folder / "embeddings.npy", allow_pickle=False)
        return embeddings[[places[int(picture)] for picture in self.dataset.ids]]

    def _training_rows(self, folder: Path) -> Rows:
        """Return what a run learned from; the training pictures where a model came from elsewhere."""
        described = read_json(folder / "model.json")
        if not described.keys() >= set(_SPEC):
            return self.dataset.rows("train")
        spec = RunSpec.from_json({name: described[name] for name in _SPEC})
        if spec.measured_on != "test":
            raise DatasetError(f"{folder} was measured on validation classes; only test classes are measured further")
        return training_rows(spec, self.dataset)

    def _embedding_of(self, encoder: PictureEncoder) -> Callable[[str, Rows], Floats]:
        """Return the function that embeds rows of the data set altered by a kind."""
        pixels = open_pixels(encoder.preprocessing, self.dataset, self.cache, self.progress)

        def in_blocks(network: Callable[[np.ndarray], Floats], kind: str, rows: Rows) -> Floats:
            blocks = [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]
            parts = []
            for done, block in enumerate(blocks):
                self.progress(f"alter queries: {kind}", done * BATCH, len(rows))
                squares = evaluation_pixels(pixels, block, encoder.preprocessing)
                parts.append(network(corrupted(squares, kind, self.dataset.ids[block])))
            return np.concatenate(parts)

        if not isinstance(encoder, Encoder):
            return lambda kind, rows: in_blocks(encoder.embed_pixels, kind, rows)
        if self._backbone != (backbone := _backbone_of(encoder)):
            self._backbone, self._features = backbone, {}

        def embed(kind: str, rows: Rows) -> Floats:
            if kind not in self._features:
                self._features[kind] = in_blocks(encoder.features_of_pixels, kind, rows)
            return encoder.embed_features(self._features[kind])

        return embed


def _has_network(folder: Path) -> bool:
    return any((folder / name).is_file() for name in WEIGHTS.values())


def _backbone_of(encoder: Encoder) -> str:
    """Return what is equal only for encoders that give a picture the same features."""
    embedder = encoder.embedder
    identity = [embedder.spec.to_json(), embedder.pooling, encoder.preprocessing.fingerprint]
    return json.dumps([*identity, state_sha256(embedder.backbone), state_sha256(embedder.pool)], sort_keys=True)
