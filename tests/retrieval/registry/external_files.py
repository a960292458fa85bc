"""What somebody brings: a small network, or embeddings of the world's pictures."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from django.core.files.uploadedfile import SimpleUploadedFile

from retrieval.models import Dataset
from tests.mlcore.onnx_models import stored_onnx


def network(folder: Path, **described: Any) -> dict[str, SimpleUploadedFile]:
    """Return the two files of an ONNX network, as an upload brings them."""
    file = stored_onnx(folder, **described)
    return {
        "weights": SimpleUploadedFile("their net.onnx", file.read_bytes()),
        "description": SimpleUploadedFile("whatever.json", file.with_suffix(".json").read_bytes()),
    }


def embeddings(dataset: Dataset, *, left_out: int = 0, dim: int = 6) -> dict[str, SimpleUploadedFile]:
    """Return random embeddings of a data set's pictures and the list of them, the first few left out."""
    paths = list(dataset.images.values_list("path", flat=True))[left_out:]
    array, listed = io.BytesIO(), io.StringIO()
    np.save(array, np.random.default_rng(0).standard_normal((len(paths), dim)).astype(np.float32))
    writer = csv.writer(listed)
    writer.writerows([["path"], *([path] for path in paths)])
    return {
        "embeddings": SimpleUploadedFile("theirs.npy", array.getvalue()),
        "images": SimpleUploadedFile("theirs.csv", listed.getvalue().encode()),
    }


def described(**values: Any) -> SimpleUploadedFile:
    return SimpleUploadedFile("model.json", json.dumps(values).encode())
