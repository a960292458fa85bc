"""A real S3 server over HTTP, as a process of its own: it can be stopped, and buckets are made at once."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import httpx
import pytest

from tests.ports import free_port

KEY = {"AWS_ACCESS_KEY_ID": "kindred", "AWS_SECRET_ACCESS_KEY": "not-a-secret"}
START_SECONDS = 60


class S3Server:
    """The server; its objects are in its memory."""

    def __init__(self, log: Path) -> None:
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        command = [str(Path(sys.executable).with_name("moto_server")), "-H", "127.0.0.1", "-p", str(self.port)]
        environment = {**os.environ, "S3_IGNORE_SUBDOMAIN_BUCKETNAME": "1"}
        self.process = subprocess.Popen(command, env=environment, stdout=log.open("wb"), stderr=subprocess.STDOUT)
        self._wait(log)
        self.client = boto3.client(
            "s3",
            endpoint_url=self.address,
            region_name="us-east-1",
            aws_access_key_id=KEY["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=KEY["AWS_SECRET_ACCESS_KEY"],
        )
        self._buckets = 0

    def _wait(self, log: Path) -> None:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            try:
                httpx.get(self.address)
            except httpx.TransportError:
                time.sleep(0.1)
            else:
                return
        raise AssertionError(f"the S3 server does not start: {log.read_text()[-2000:]}")

    def new_bucket(self) -> str:
        """Make an empty bucket; return its name."""
        self._buckets += 1
        name = f"kindred-{os.getpid()}-{self._buckets}"
        self.client.create_bucket(Bucket=name)
        return name

    def url(self, bucket: str) -> str:
        """Return the STORAGE_URL of a prefix in a bucket."""
        return f"s3://{bucket}/site?endpoint={self.address}"

    def names(self, bucket: str) -> list[str]:
        """Return the names of a bucket's objects below the site's prefix, in order."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return sorted(row["Key"].removeprefix("site/") for page in pages for row in page.get("Contents", []))

    def pause(self) -> None:
        """Let the server answer nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self.process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """End the process."""
        self.resume()
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """Return the session's server."""
    server = S3Server(tmp_path_factory.mktemp("s3") / "log")
    yield server
    server.close()
