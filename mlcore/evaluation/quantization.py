"""Embeddings as whole numbers of one byte."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlcore.evaluation.ranking import unit_rows

LARGEST = 127


def int8_rows(embeddings: ArrayLike) -> NDArray[np.int8]:
    """Return rows [N, D] as whole numbers from -127 to 127, each row by its own symmetric scale.

    A row's largest number becomes 127. Nothing is fitted on other rows, so nothing can leak, and the scale need not
    be kept, for cosines ignore it: a picture takes D bytes.

    Raises:
        MetricsError: a row is zero or not finite.
    """
    rows = unit_rows(embeddings)
    rows *= LARGEST / np.abs(rows).max(axis=1, keepdims=True)
    return np.rint(rows, out=rows).astype(np.int8)
