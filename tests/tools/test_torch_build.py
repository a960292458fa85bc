"""What is said of torch before it is fetched. pip is the real one; its index is a folder of tiny wheels."""

import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from tools import torch_build
from tools.torch_build import MEASURED_GB, Build, pinned_version, tell

ROOT = Path(__file__).parents[2]
PINNED = pinned_version((ROOT / "requirements.txt").read_text())
CUDA = ('nvidia-cudnn-cu13==9.20.0.48; platform_system == "Linux"',)
on_linux = pytest.mark.skipif(platform.system() != "Linux", reason="wheels with CUDA are Linux's")


def wheel(folder: Path, version: str, requires: tuple[str, ...] = (), name: str = "torch") -> Path:
    """Write a wheel that holds nothing but its description."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    described = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    described += "".join(f"Requires-Dist: {line}\n" for line in requires)
    info = f"{name}-{version}.dist-info"
    with ZipFile(path, "w") as archive:
        archive.writestr(f"{info}/METADATA", described)
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return path


def run(index: Path, wanted: str) -> subprocess.CompletedProcess[str]:
    """Run the script with a pip that knows this index alone."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    env |= {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(index)}
    script = str(ROOT / "tools" / "torch_build.py")
    return subprocess.run([sys.executable, script, wanted], env=env, capture_output=True, text=True, check=False)


@on_linux
def test_a_build_with_cuda_is_announced_with_its_size(tmp_path: Path) -> None:
    wheel(tmp_path, PINNED, CUDA)
    done = run(tmp_path, f"torch=={PINNED}")
    assert done.returncode == 0, done.stderr
    download, disk = MEASURED_GB[PINNED]
    assert f"{download} GB to download, {disk} GB on disk" in done.stdout
    assert "TORCH=" in done.stdout


def test_a_build_without_cuda_needs_no_word(tmp_path: Path) -> None:
    wheel(tmp_path, f"{PINNED}+cpu", ("sympy>=1.13.3",))
    done = run(tmp_path, f"torch=={PINNED}")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@on_linux
def test_a_size_that_nobody_measured_is_not_guessed(tmp_path: Path) -> None:
    wheel(tmp_path, f"{PINNED}+cu999", CUDA)
    done = run(tmp_path, f"torch=={PINNED}+cu999")
    assert done.returncode == 0, done.stderr
    assert "nobody has measured" in done.stdout
    assert "to download" not in done.stdout


def test_an_index_that_cannot_tell_is_named_and_nothing_is_refused(tmp_path: Path) -> None:
    done = run(tmp_path, f"torch=={PINNED}")
    assert done.returncode == 0, done.stderr
    assert "is not known" in done.stdout
    assert f"torch=={PINNED}" in done.stdout, "what pip said"


def test_an_index_that_is_slow_is_waited_for_a_minute_at_most(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch_build, "SECONDS", 0)
    torch_build.main(f"torch=={PINNED}")
    assert "no answer within 0 s" in capsys.readouterr().out


@pytest.mark.parametrize("wanted", ["torch", "torch==9.9.9"])
def test_another_version_is_refused_before_it_is_fetched(tmp_path: Path, wanted: str) -> None:
    wheel(tmp_path, "9.9.9")
    done = run(tmp_path, wanted)
    assert done.returncode == 1
    assert f"torch 9.9.9: name a build of torch {PINNED}" in done.stderr


def test_another_package_is_refused(tmp_path: Path) -> None:
    wheel(tmp_path, PINNED, name="tensorflow")
    done = run(tmp_path, "tensorflow")
    assert done.returncode == 1
    assert f"names tensorflow {PINNED}" in done.stderr


@pytest.mark.parametrize("version", [PINNED, f"{PINNED}+cpu"])
def test_a_wheel_of_the_pinned_version_is_taken(tmp_path: Path, version: str) -> None:
    done = run(tmp_path, str(wheel(tmp_path, version)))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_wheels_web_address_is_read_and_not_fetched(tmp_path: Path) -> None:
    address = "https://wheels.invalid/cpu/torch-{}%2Bcpu-cp313-cp313-linux_x86_64.whl#sha256=00"
    assert run(tmp_path, address.format(PINNED)).returncode == 0
    done = run(tmp_path, address.format("9.9.9"))
    assert done.returncode == 1
    assert "torch 9.9.9+cpu" in done.stderr


def test_a_wheel_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = run(tmp_path, str(tmp_path / f"torch-{PINNED}-py3-none-any.whl"))
    assert done.returncode == 1
    assert "there is no such file" in done.stderr


def test_a_file_that_is_no_wheel_by_its_name_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine.whl").touch()
    done = run(tmp_path, str(tmp_path / "mine.whl"))
    assert done.returncode == 1
    assert "is no wheel's name" in done.stderr


def test_a_disk_that_cannot_hold_it_is_named() -> None:
    needed = sum(MEASURED_GB[PINNED])
    build = Build("torch", PINNED, needs_cuda=True)
    assert tell(build, needed + 1)
    with pytest.raises(SystemExit, match="there are 3 GB"):
        tell(build, 3.2)
    assert tell(Build("torch", PINNED, needs_cuda=False), 3.2) == "", "a build for the CPU needs no more than the rest"


def test_the_pinned_build_is_measured() -> None:
    """Whoever raises torch measures it anew, or its size is not told."""
    assert PINNED in MEASURED_GB


def test_requirements_without_torch_are_named() -> None:
    with pytest.raises(ValueError, match=re.escape("pins no torch")):
        pinned_version("torchvision==0.28.0\n")
