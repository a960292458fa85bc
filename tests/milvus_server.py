"""A real Milvus server, as processes of its own: it can be killed and started again on the same data."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlcore.errors import EngineAway
from mlcore.index.engine import open_engine
from tests.ports import free_port

START_SECONDS = 120
PORTS = (
    "etcd", "root-coord", "proxy", "proxy-internal", "query-coord", "query-node", "index-coord", "index-node",
    "data-coord", "data-node",
)  # fmt: skip


class MilvusServer:
    """The server of a folder; its ports stay when it starts again."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._data = folder, folder / "data"
        self._data.mkdir()
        self._ports = {name: free_port() for name in PORTS}
        self.url = f"milvus://127.0.0.1:{self._ports['proxy']}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command(), cwd=self._data, env=self._environment(), stdout=log, stderr=log, start_new_session=True
            )
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                open_engine(self.url).check()
            except EngineAway as error:
                said = (self._folder / "log").read_text(errors="replace")[-2000:]
                assert time.monotonic() < end and self._process.poll() is None, f"no server: {error}\n{said}"
                time.sleep(0.5)
            else:
                return

    def _command(self) -> list[str]:
        """Return the wheel's command, which unpacks the server; from then on the server's own.

        The wheel takes another port where connections to the one before still wait for their end.
        """
        if (self._data / "bin/milvus").exists():
            return [str(self._data / "bin/milvus"), "run", "standalone"]
        command = [str(Path(sys.executable).with_name("milvus-server")), "--data", str(self._data)]
        for name, port in self._ports.items():
            command += [f"--{name}-port", str(port)]
        return command

    def _environment(self) -> dict[str, str]:
        """Return what the wheel gives the server."""
        own = {"DEPLOY_MODE": "STANDALONE", "MILVUS_RUN_DIR": str(self._data / "run")}
        return os.environ | own | {"LD_LIBRARY_PATH": str(self._data / "bin")}

    def pause(self) -> None:
        """Let it answer nothing, and keep its connections."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGCONT)

    def kill(self) -> None:
        """End it at once, and everything that it started."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(30)
            self._process = None


@pytest.fixture(scope="session")
def milvus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusServer]:
    """Return the session's server."""
    server = MilvusServer(tmp_path_factory.mktemp("milvus"))
    server.start()
    yield server
    server.kill()
