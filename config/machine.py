"""Where this process runs and with what, so that jobs and the operations page can tell."""

import platform
import socket
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import TypedDict

from config.release import VERSION
from mlcore.hardware import device_name

PACKAGES = ("torch", "timm", "onnxruntime", "hnswlib", "numpy", "pillow", "django")
"""Those that decide what a job computes, and how it is stored."""


class Machine(TypedDict):
    """A host and its GPU or processor by name, and releases by package."""

    host: str
    device: str
    versions: dict[str, str]


@lru_cache(maxsize=1)
def this_machine() -> Machine:
    """Return where this process runs."""
    versions = {"kindred": VERSION, "python": platform.python_version()}
    for package in PACKAGES:
        with suppress(PackageNotFoundError):  # a web host whose networks are elsewhere may lack some
            versions[package] = version(package)
    return {"host": socket.gethostname(), "device": device_name(), "versions": versions}
