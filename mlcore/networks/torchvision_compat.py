"""Missing operators of torchvision, declared so that it can be imported beside a CPU build of torch.

torchvision's wheels on the package index are built against CUDA builds of torch. Beside a CPU build
its own operators do not load, and the import fails at `torchvision::nms does not exist`, where it
attaches a Python implementation to an operator that was never declared. Kindred uses none of
them: declaring the two schemas, only where they are missing, is all that the import needs.
"""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import torch

_SCHEMAS = {
    "nms": "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}


@cache  # keeps the library alive: its declarations end with it
def declare_missing_operators() -> torch.library.Library | None:
    """Declare torchvision's operators where its own library cannot; call before importing it."""
    spec = find_spec("torchvision")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("torchvision is not installed")
    try:
        torch.ops.load_library(str(Path(spec.origin).with_name("_C.so")))  # type: ignore[no-untyped-call]
    except OSError:
        library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
        for schema in _SCHEMAS.values():
            library.define(schema)  # type: ignore[no-untyped-call]
        return library
    return None
