"""Weights that come in packages, as files that experiments can start from."""

from pathlib import Path

from config import storage
from config.errors import Rejected
from mlcore.errors import WeightsError
from mlcore.weights import PackagedWeights, converted_file, installed_weights


def convert_smallest() -> str:
    """Convert the smallest installed packaged weights into the weights folder; return its name, "" without any.

    Raises:
        Rejected: the package's file is not the known one.
    """
    for weights in installed_weights()[:1]:
        return (converted_file(weights, storage.weights()) or _converted(weights)).name
    return ""


def _converted(weights: PackagedWeights) -> Path:
    from mlcore.networks.packaged_weights import write_packaged_weights

    try:
        return write_packaged_weights(weights, storage.weights())
    except WeightsError as error:
        raise Rejected(str(error)) from error
