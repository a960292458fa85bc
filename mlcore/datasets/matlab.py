"""Annotations that benchmarks ship as MATLAB files."""

import io
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from mlcore.datasets.filetree import FileTree
from mlcore.errors import DatasetError

Taken = TypeVar("Taken")


def read_mat(tree: FileTree, path: str, take: Callable[[Mapping[str, Any]], Taken], what: str) -> Taken:
    """Return what `take` makes of the variables, squeezed, of a .mat file; `what` names them in the error.

    Raises:
        DatasetError: the file is damaged or holds something else.
    """
    import scipy.io  # slow to load, and wanted for such files only

    data = tree.read(path)
    try:
        return take(scipy.io.loadmat(io.BytesIO(data), squeeze_me=True))
    # scipy's reader raises nearly anything on a damaged file
    except Exception as error:
        raise DatasetError(f"{path} cannot be read as {what}: {error}") from error
