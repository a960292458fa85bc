"""The build of torch that pip would fetch, named before it is fetched: with CUDA it is several GB.

python tools/torch_build.py REQUIREMENT    asks the package index, which sends the wheel's description and not the wheel
python tools/torch_build.py WHEEL          path or web address: asks nobody

Fails with a sentence where the build cannot serve: another version than the pinned one, which torchvision
does not fit, or more than the disk holds.
"""

import json
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parents[1]
# GB of download and GB on disk (environment with all that is in the requirements), measured on Linux x86-64 for the
# pinned version from the package index. A version that is not here is not guessed.
MEASURED_GB = {"2.13.0": (2.7, 6.5)}
SECONDS = 60  # for the index; 4 to 7 were seen
WHEEL = re.compile(r"(?P<name>[^-]+)-(?P<version>[^-]+)-.+\.whl")
OF_CUDA = ("nvidia-", "cuda-")
AVOID = (
    "Without a GPU a build for the CPU is enough (0.2 GB). Ctrl-C, then name PyTorch's index of them, or a wheel:\n"
    "    PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu make demo\n"
    "    make demo TORCH=/path/to/wheel"
)


@dataclass(frozen=True)
class Build:
    """Name and version of a wheel, and whether it requires CUDA's packages here."""

    name: str
    version: str
    needs_cuda: bool


class UnknownBuildError(Exception):
    """pip could not say which build it would fetch; the message is pip's."""


def fail(sentence: str) -> NoReturn:
    sys.exit(sentence)


def pinned_version(requirements: str) -> str:
    """Return the version in the line `torch==VERSION`."""
    found = re.search(r"^torch==(\S+)$", requirements, re.MULTILINE)
    if found is None:
        raise ValueError("requirements.txt pins no torch")
    return found[1]


def named_by_file(wheel: str) -> Build:
    """Return what the file name of a wheel's path or web address says; what it requires is not in it."""
    if "://" not in wheel and not Path(wheel).is_file():
        fail(f"TORCH names '{wheel}', and there is no such file.")
    named = WHEEL.fullmatch(unquote(wheel.split("#")[0]).rsplit("/", 1)[-1])
    if named is None:
        fail(f"TORCH names '{wheel}', which is no wheel's name: it should end like torch-2.13.0+cpu-cp312-...whl.")
    return Build(named["name"], named["version"], needs_cuda=False)


def described_by_pip(requirement: str) -> Build:
    """Return the build that pip would choose.

    Raises: UnknownBuildError when pip fails, or takes longer than a minute, as with an index that has no
    descriptions apart from the wheels.
    """
    words = ["install", "--dry-run", "--no-deps", "--ignore-installed", "--quiet", "--report", "-", requirement]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pip", *words], capture_output=True, text=True, check=False, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        raise UnknownBuildError(f"no answer within {SECONDS} s") from None
    if done.returncode != 0:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR: ")]
        raise UnknownBuildError(errors[0] if errors else f"exit status {done.returncode}")
    described = json.loads(done.stdout)["install"][0]["metadata"]
    required = described.get("requires_dist", [])
    cuda = platform.system() == "Linux" and any(line.startswith(OF_CUDA) for line in required)
    return Build(described["name"], described["version"], needs_cuda=cuda)


def is_wheel(wanted: str) -> bool:
    return wanted.split("#")[0].endswith(".whl")


def tell(build: Build, free_gb: float) -> str:
    """Return what there is to say about the size of a build that fits, nothing for one without CUDA."""
    if not build.needs_cuda:
        return ""
    if build.version not in MEASURED_GB:
        return f"torch {build.version} comes with CUDA: several GB; nobody has measured how many.\n{AVOID}"
    download, disk = MEASURED_GB[build.version]
    if free_gb < disk + download:
        fail(
            f"torch {build.version} comes with CUDA: it needs {disk + download:.0f} GB of free disk here while it is "
            f"installed, and there are {free_gb:.0f} GB.\n{AVOID}"
        )
    return f"torch {build.version} comes with CUDA: {download} GB to download, {disk} GB on disk.\n{AVOID}"


def main(wanted: str) -> None:
    pinned = pinned_version((ROOT / "requirements.txt").read_text())
    try:
        build = named_by_file(wanted) if is_wheel(wanted) else described_by_pip(wanted)
    except UnknownBuildError as error:
        print(f"How large torch will be is not known ({error}). With CUDA it is several GB.\n{AVOID}")
        return
    if build.name != "torch" or build.version.split("+")[0] != pinned:
        fail(
            f"TORCH names {build.name} {build.version}: name a build of torch {pinned}, which torchvision is built for."
        )
    said = tell(build, shutil.disk_usage(ROOT).free / 1e9)
    if said:
        print(said)


if __name__ == "__main__":
    main(sys.argv[1])
