"""Which Python is taken, and the sentence for what is missing; the Pythons here are fakes on a PATH of their own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "tools" / "preflight.sh"
# Runs the code as a Python of another version would, with some modules or its headers missing.
FAKE = """#!{python} -S
import sys, sysconfig
sys.version_info = ({version}, 0, "final", 0)
for name in {missing}:
    sys.modules[name] = None
sysconfig.get_path = lambda name: {include!r}
exec(sys.argv[2])
"""
SHIM = '#!/bin/sh\necho "pyenv: $0: command not found" >&2\nexit 127\n'

Install = Callable[..., None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The only folder on PATH: what the script calls, and a compiler."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in ("df", "awk"):
        found = shutil.which(tool)
        assert found is not None
        (folder / tool).symlink_to(found)
    written(folder / "c++", "#!/bin/sh\n")
    return folder


@pytest.fixture
def install(folder: Path, tmp_path: Path) -> Install:
    headers = tmp_path / "include"
    headers.mkdir()
    (headers / "Python.h").touch()

    def install(name: str, version: str, *, missing: tuple[str, ...] = (), include: Path = headers) -> None:
        numbers = ", ".join(version.split("."))
        text = FAKE.format(python=sys.executable, version=numbers, missing=missing, include=str(include))
        written(folder / name, text)

    return install


def written(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def run(folder: Path, word: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PATH": str(folder)}
    return subprocess.run([str(SCRIPT), word], env=env, capture_output=True, text=True, check=False)


def newest(folder: Path) -> str:
    done = run(folder, "--newest")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_newest_is_taken(folder: Path, install: Install) -> None:
    for version in ("3.11", "3.12", "3.13"):
        install(f"python{version}", version)
    assert newest(folder) == "python3.13"


def test_one_whose_name_says_nothing_is_taken(folder: Path, install: Install) -> None:
    install("python3.11", "3.11")
    install("python3", "3.12")
    assert newest(folder) == "python3"


def test_a_shim_that_fails_is_passed_over(folder: Path, install: Install) -> None:
    written(folder / "python3.13", SHIM)
    install("python3.12", "3.12")
    assert newest(folder) == "python3.12"


def test_a_name_that_lies_is_passed_over(folder: Path, install: Install) -> None:
    install("python3.13", "3.10")
    install("python3.11", "3.11")
    assert newest(folder) == "python3.11"


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_one_without_venv_does_not_count(folder: Path, install: Install, module: str) -> None:
    install("python3.13", "3.13", missing=(module,))
    install("python3.11", "3.11")
    assert newest(folder) == "python3.11"


def test_one_without_headers_does_not_count(folder: Path, install: Install, tmp_path: Path) -> None:
    install("python3.13", "3.13", include=tmp_path / "nowhere")
    install("python3.11", "3.11")
    assert newest(folder) == "python3.11"


def test_versions_on_which_the_tests_ran_come_first(folder: Path, install: Install) -> None:
    install("python3.14", "3.14")
    assert newest(folder) == "python3.14"
    install("python3.11", "3.11")
    assert newest(folder) == "python3.11"


def test_without_a_whole_one_the_check_names_what_the_newest_lacks(folder: Path, install: Install) -> None:
    install("python3.12", "3.12", missing=("ensurepip",))
    install("python3.9", "3.9")
    assert newest(folder) == "python3.12"
    done = run(folder, "python3.12")
    assert done.returncode == 1
    assert "apt-get install python3.12-venv" in done.stderr


def test_without_any_it_says_which_it_needs(folder: Path, install: Install) -> None:
    install("python3.9", "3.9")
    assert newest(folder) == ""
    done = run(folder, "")
    assert done.returncode == 1
    assert "none of them runs here" in done.stderr


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_a_whole_one_passes_without_a_word(folder: Path, install: Install, version: str) -> None:
    install("mine", version)
    done = run(folder, "mine")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("version", ["3.1", "3.10", "3.15", "2.7"])
def test_another_version_is_named(folder: Path, install: Install, version: str) -> None:
    install("mine", version)
    done = run(folder, "mine")
    assert done.returncode == 1
    assert f"'mine' is {version}" in done.stderr


def test_one_that_does_not_run_is_named(folder: Path) -> None:
    written(folder / "python3.13", SHIM)
    done = run(folder, "python3.13")
    assert done.returncode == 1
    assert "'python3.13' does not run" in done.stderr


def test_missing_headers_are_named_with_their_package(folder: Path, install: Install, tmp_path: Path) -> None:
    install("mine", "3.13", include=tmp_path / "nowhere")
    done = run(folder, "mine")
    assert done.returncode == 1
    assert "apt-get install python3.13-dev" in done.stderr


def test_a_missing_compiler_is_named(folder: Path, install: Install) -> None:
    install("mine", "3.13")
    (folder / "c++").unlink()
    done = run(folder, "mine")
    assert done.returncode == 1
    assert "apt-get install g++" in done.stderr


def test_a_full_disk_is_named(folder: Path, install: Install) -> None:
    install("mine", "3.13")
    (folder / "df").unlink()
    written(folder / "df", "#!/bin/sh\necho header\necho /dev/disk 9000000 8000000 4194304 66% /\n")
    done = run(folder, "mine")
    assert done.returncode == 1
    assert "there are 4 GB" in done.stderr
