"""An image built and run without a Docker daemon: buildah makes it, and Linux itself gives its processes what Docker
would: the image's user, a root that cannot be written, no capability, processes of their own.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = {"buildah": "buildah", "debootstrap": "debootstrap", "unshare": "util-linux", "setpriv": "util-linux"}
BUILD_SECONDS = 1500
BASE = "localhost/kindred-test-base:bookworm"
IMAGE = "localhost/kindred-test:built"
DECOY = "decoy-a1b2c3-that-no-image-may-have"
DECOYS = (".env", "var/secret_key", "var/media/private.txt", "backup.jsonl", "tests/keys.json")
# The image's Python is Debian's 3.11.2, which needs one package that later ones do not; hnswlib is built from source.
FURTHER = ("async-timeout", "setuptools", "wheel", "pybind11")
# Runs as root in a mount namespace of its own, of which nothing is left when it ends. $0: the root, $1: the volume.
WALLS = """
set -e
mount --bind "$0" "$0"
mount --bind "$1" "$0/var/lib/kindred"
mount -o remount,bind,ro "$0"
mount -t tmpfs -o mode=1777 tmpfs "$0/tmp"
mount -t proc proc "$0/proc"
mount --rbind /dev "$0/dev"
root=$0; shift
exec chroot "$root" /usr/bin/setpriv --reuid 10001 --regid 10001 --clear-groups --no-new-privs \
    --inh-caps=-all --bounding-set=-all "$@"
"""


def require_tools() -> None:
    """Fail with a sentence where this machine cannot build and run an image."""
    for tool, package in TOOLS.items():
        if shutil.which(tool) is None:
            pytest.fail(f"the image's tests need {tool}: apt-get install {package}")
    if os.geteuid() != 0:
        pytest.fail("the image's tests need root, who may make mounts")
    if sys.version_info[:2] != (3, 11):
        pytest.fail("the image's tests need Python 3.11, whose wheels Debian's Python takes")


@dataclass(frozen=True)
class Image:
    """A built image: its files, mounted here, and what it says of how to run it."""

    root: Path
    config: dict[str, Any]

    def start(self, command: list[str], volume: Path, log: Path, **environment: str) -> subprocess.Popen[bytes]:
        """Start the command through the image's entry point, as `docker run --read-only --cap-drop ALL` does."""
        variables = [*self.config["Env"], *(f"{name}={value}" for name, value in environment.items())]
        words = ["env", "--ignore-environment", *variables, "env", f"--chdir={self.config['WorkingDir']}"]
        isolated = ["unshare", "--mount", "--pid", "--fork", "sh", "-c", WALLS]
        inside = [*words, *self.config["Entrypoint"], *command]
        with log.open("ab") as output:
            return subprocess.Popen(
                [*isolated, str(self.root), str(volume), *inside],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def run(self, command: list[str], volume: Path, log: Path, **environment: str) -> str:
        """Run the command to its end, which must be a good one; return what the log says."""
        code = self.start(command, volume, log, **environment).wait(300)
        said = log.read_text(errors="replace")
        assert code == 0, f"{command} ended with {code}\n{said[-4000:]}"
        return said


def send(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Send a signal to the container's first process, as Docker does; all others end with that one."""
    for first in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
        os.kill(int(first), number)


class Builder:
    """buildah with a storage of its own, below one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def build(self) -> Image:
        """Build the image from this checkout, without the network but Debian's packages, and mount it."""
        self._make_base()
        build = ["bud", "--isolation", "chroot", "--pull-never", "--format", "docker", "--network", "host"]
        options = ["--build-arg", f"BASE={BASE}", "--build-context", f"offline={self._make_offline()}", "--tag", IMAGE]
        self.buildah(*build, *options, str(self._make_context()))
        container = self.buildah("from", "--pull-never", IMAGE)
        root = Path(self.buildah("mount", container))
        return Image(root, json.loads(self.buildah("inspect", "--type", "image", IMAGE))["Docker"]["config"])

    def buildah(self, *words: str) -> str:
        """Run a command of buildah; return its output without white space around it."""
        storage = ["--storage-driver", "vfs", "--root", f"{self._folder}/store", "--runroot", f"{self._folder}/run"]
        return self._run(["buildah", *storage, *words])

    def _make_base(self) -> None:
        """Make Debian's smallest system an image, as debian:bookworm-slim is one."""
        system = self._folder / "debian"
        self._run(["debootstrap", "--variant=minbase", "bookworm", str(system)])
        container = self.buildah("from", "scratch")
        self.buildah("add", "--quiet", container, str(system), "/")
        self.buildah("commit", "--quiet", "--rm", container, BASE)
        shutil.rmtree(system)

    def _make_offline(self) -> Path:
        """Download what pip and npm would ask the index for in the build."""
        offline = self._folder / "offline"
        pinned = next(
            line for line in (ROOT / "requirements.txt").read_text().splitlines() if line.startswith("torch==")
        )
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(offline / "wheels")]
        self._run([*download, os.environ.get("TORCH") or pinned, "-r", str(ROOT / "requirements.txt"), *FURTHER])
        lock = self._folder / "npm"
        lock.mkdir()
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(ROOT / name, lock)
        npm = str(Path(sys.executable).with_name("npm"))
        self._run([npm, "ci", "--cache", str(offline / "npm")], cwd=lock)
        return offline

    def _make_context(self) -> Path:
        """Copy the checkout's files, and put beside them what no image may have."""
        context = self._folder / "context"
        names = self._run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"], cwd=ROOT)
        for name in filter(None, names.split("\0")):
            if (ROOT / name).is_file():
                (context / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, context / name)
        for name in DECOYS:
            (context / name).parent.mkdir(parents=True, exist_ok=True)
            (context / name).write_text(DECOY)
        return context

    def _run(self, words: list[str], cwd: Path | None = None) -> str:
        environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        done = subprocess.run(
            words, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=BUILD_SECONDS
        )
        if done.returncode != 0:
            pytest.fail(f"{' '.join(words[:3])} ... failed\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
        return done.stdout.strip()
