"""The JSON description of an external model: its keys and their ranges."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlcore.artifacts import read_json, sha256_of_file
from mlcore.config import AT_MOST
from mlcore.errors import ProtocolError, WeightsError, shortened
from mlcore.images.image_io import MIN_SIDE
from mlcore.images.preprocessing import Preprocessing, check_scaling

MAX_BYTES = 2**30  # three times a ViT-B; ONNX itself ends at 2 GiB


def read_model_json(file: Path) -> Mapping[str, Any]:
    """Return the JSON object beside a model's file.

    Raises:
        WeightsError: one of the two is missing, the JSON is none, or the file is too large.
    """
    beside = file.with_suffix(".json")
    for needed in (file, beside):
        if not needed.is_file():
            raise WeightsError(f"{needed} is not there; a model is a {file.suffix} file with its .json beside it")
    if file.stat().st_size > MAX_BYTES:
        raise WeightsError(f"{file.name} has {file.stat().st_size} bytes; at most {MAX_BYTES} are read")
    try:
        described = read_json(beside)
    except ValueError as error:
        raise WeightsError(f"{beside.name} is not JSON: {error}") from error
    if not isinstance(described, dict):
        raise WeightsError(f"{beside.name} must hold one JSON object")
    return described


def credits_of(file: Path, described: Mapping[str, Any]) -> dict[str, str]:
    """Return the name and licence under which a model is listed, and the checksum of its file."""
    return {
        "name": str(described.get("name") or file.stem),
        "licence": str(described.get("licence", "")),
        "origin_sha256": sha256_of_file(file),
    }


def preprocessing_of(described: Mapping[str, Any], file: Path) -> Preprocessing:
    """Return the preprocessing of a description.

    Raises:
        WeightsError: it does not say all.
        ProtocolError: a value is out of range.
    """
    missing = [key for key in ("mean", "std", "short_side", "crop") if key not in described]
    if missing:
        raise WeightsError(f"{file.with_suffix('.json').name} does not say {', '.join(missing)}")
    short_side, crop = described["short_side"], described["crop"]
    check_sizes(short_side, crop)
    mean, std = (_three_numbers(described, name) for name in ("mean", "std"))
    check_scaling(mean, std)
    return Preprocessing(short_side, crop, mean, std, str(described.get("interpolation", "bicubic")))


def check_sizes(short_side: object, crop: object) -> None:
    """Refuse sizes that no network takes. Raises ProtocolError."""
    most = AT_MOST["short_side"]
    if not (isinstance(short_side, int) and isinstance(crop, int) and MIN_SIDE <= crop <= short_side <= most):
        raise ProtocolError(
            f"short_side and crop must be whole pixels, {MIN_SIDE} <= crop <= short_side <= {most}; "
            f"got {shortened(short_side)} and {shortened(crop)}"
        )


def _three_numbers(described: Mapping[str, Any], name: str) -> tuple[float, ...]:
    values = described[name]
    numbers = [value for value in values if isinstance(value, int | float)] if isinstance(values, list) else []
    if len(numbers) != 3 or len(values) != 3 or not all(math.isfinite(value) for value in numbers):
        raise ProtocolError(f"{name} must be three numbers, one a channel, for pixels in 0..1; got {shortened(values)}")
    return tuple(float(value) for value in numbers)
