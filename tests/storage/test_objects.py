"""A bucket that several hosts share."""

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from storage import objects
from storage.contents import Contents
from storage.errors import StorageAway, StoredDamaged
from storage.models import Site
from storage.store import Store, place_of, store, store_at
from tests.storage.conftest import host
from tests.storage.server import S3Server
from tests.storage.test_store import put, put_folder

pytestmark = pytest.mark.django_db


def test_another_host_fetches_what_one_has_put(shared: Store) -> None:
    put_folder(shared, "runs/1", model=b"weights", deep__er=b"more")
    put(shared, "datasets/1-birds/images/a/1.jpg", b"picture")
    with host("b"):
        folder = shared.local_copy("runs/1")
        assert (folder / "model").read_bytes() == b"weights" and (folder / "deep/er").read_bytes() == b"more"
        assert shared.local_copy("datasets/1-birds/images/a/1.jpg").read_bytes() == b"picture"


def test_a_host_fetches_one_file_of_a_folder_alone(shared: Store) -> None:
    put_folder(shared, "runs/1", model=b"weights", scores=b"few")
    with host("b") as media:
        assert shared.local_part("runs/1", "scores").read_bytes() == b"few"
        assert shared.local_part("runs/1", "scores").read_bytes() == b"few"
        assert [file.read_bytes() for file in media.rglob("*") if file.is_file()] == [b"few"]


def test_private_files_have_no_copy_on_a_host(shared: Store) -> None:
    shared.write("searches/1.jpg", b"private")
    with host("b") as media:
        assert shared.open("searches/1.jpg").read() == b"private"
        assert not place_of("searches/1.jpg").exists() and not media.exists()


def test_a_folder_appears_only_once_all_its_files_are_stored(shared: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a host dies while it stores them."""
    put_object, calls = objects.obstore.put, list[str]()

    def dying(store: object, name: str, *rest: object, **options: object) -> object:
        calls.append(name)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return put_object(store, name, *rest, **options)

    monkeypatch.setattr(objects.obstore, "put", dying)
    with pytest.raises(KeyboardInterrupt):
        put_folder(shared, "runs/1", model=b"1", history=b"2", scores=b"3")
    monkeypatch.undo()
    assert not shared.has("runs/1") and shared.files("runs/1") == []
    with host("b"):
        assert not shared.local_copy("runs/1").exists()
    shared.put("runs/1")
    with host("b"):
        assert len(list(shared.local_copy("runs/1").iterdir())) == 3


def test_of_two_hosts_that_store_the_same_folder_the_first_wins(shared: Store) -> None:
    with host("b"):
        put_folder(shared, "runs/1", model=b"of b", history=b"of b")
    put_folder(shared, "runs/1", model=b"of a")
    assert (place_of("runs/1") / "model").read_bytes() == b"of b" and (place_of("runs/1") / "history").exists()
    with host("c"):
        assert (shared.local_copy("runs/1") / "model").read_bytes() == b"of b"


def test_bytes_that_changed_in_the_storage_are_not_taken(shared: Store, s3: S3Server, bucket: str) -> None:
    put_folder(shared, "runs/1", model=b"weights")
    put(shared, "maps/1.json", b"{}")
    [blob] = [name for name in s3.names(bucket) if name.startswith("runs/1/.files/")]
    metadata = s3.client.head_object(Bucket=bucket, Key="site/maps/1.json")["Metadata"]
    s3.client.put_object(Bucket=bucket, Key=f"site/{blob}", Body=b"other")
    s3.client.put_object(Bucket=bucket, Key="site/maps/1.json", Body=b"[]", Metadata=metadata)
    with host("b"):
        for key in ("runs/1", "maps/1.json"):
            with pytest.raises(StoredDamaged, match="damaged"):
                shared.local_copy(key)
            assert not place_of(key).exists()
            with pytest.raises(StoredDamaged):
                shared.verify(key)


def test_a_list_of_files_that_leads_out_is_not_followed(shared: Store, s3: S3Server, bucket: str) -> None:
    put_folder(shared, "runs/1", model=b"weights")
    name = "site/runs/1/.contents.json"
    contents = json.loads(s3.client.get_object(Bucket=bucket, Key=name)["Body"].read())
    contents["files"]["../../secret_key"] = contents["files"].pop("model")
    for damaged in (json.dumps(contents), "{", "[]", json.dumps({"format": 99, "files": {}})):
        s3.client.put_object(Bucket=bucket, Key=name, Body=damaged.encode())
        with host("b"), pytest.raises(StoredDamaged):
            shared.local_copy("runs/1")


def test_a_missing_file_of_a_folder_is_told(shared: Store, s3: S3Server, bucket: str) -> None:
    put_folder(shared, "runs/1", model=b"weights")
    [blob] = [name for name in s3.names(bucket) if name.startswith("runs/1/.files/")]
    s3.client.delete_object(Bucket=bucket, Key=f"site/{blob}")
    with host("b"), pytest.raises(StoredDamaged, match="missing"):
        shared.local_copy("runs/1")


def test_a_folder_filled_file_by_file_is_the_same_on_every_host(shared: Store) -> None:
    folder = "uploads/folder-1"
    put(shared, f"{folder}/a/1.jpg", b"first")
    with host("b"):
        assert (shared.refreshed(folder) / "a/1.jpg").read_bytes() == b"first"
        put(shared, f"{folder}/a/2.jpg", b"second")
        time.sleep(1.1)  # the storage counts seconds
        put(shared, f"{folder}/a/1.jpg", b"fir5t")
        put(shared, f"{folder}/b.jpg", b"third")
    assert (shared.refreshed(folder) / "a/1.jpg").read_bytes() == b"fir5t"
    assert sorted(file.name for file in shared.refreshed(folder).rglob("*.jpg")) == ["1.jpg", "2.jpg", "b.jpg"]
    with host("b"):
        shared.delete(f"{folder}/a/2.jpg")
    assert sorted(file.name for file in shared.refreshed(folder).rglob("*.jpg")) == ["1.jpg", "b.jpg"]


def test_names_in_a_bucket_lead_nowhere_else(shared: Store, s3: S3Server, bucket: str) -> None:
    shared.check()
    s3.client.put_object(Bucket=bucket, Key="site/uploads/folder-1/%2E%2E/%2E%2E/%2E%2E/evil.jpg", Body=b"1")
    with host("b") as media, pytest.raises(ValueError, match="no key"):
        shared.refreshed("uploads/folder-1")
    assert not list(media.parent.rglob("evil.jpg"))


def test_a_file_that_takes_longer_than_a_request_may_is_read_all_the_same(
    shared: Store, bucket: str, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind a server that sends two megabytes and then nothing more until the time of the request is over."""
    data = os.urandom(6 * 2**20)
    put(shared, "weights/net.safetensors", data)
    monkeypatch.setattr(objects, "SECONDS", 2)
    monkeypatch.setattr(objects, "RANGE", 2**20)
    with stalling(s3.port) as port:
        slow = objects.ObjectStore(objects.s3(f"s3://{bucket}/site?endpoint=http://127.0.0.1:{port}"))
        with host("b"):
            assert slow.local_copy("weights/net.safetensors").read_bytes() == data


@contextmanager
def stalling(port: int) -> Iterator[int]:
    """Pass requests on to a server, but let answers above two megabytes stall in their middle."""

    class Stalling(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:  # noqa: N802
            headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
            with httpx.Client() as client:
                answer = client.request(self.command, f"http://127.0.0.1:{port}{self.path}", headers=headers)
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name.lower() not in ("connection", "transfer-encoding"):
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.content[: 2 * 2**20])
            self.wfile.flush()
            if len(answer.content) > 2 * 2**20:
                time.sleep(4)
                self.close_connection = True

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Stalling)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()


def test_hidden_files_are_somebodys_work_in_progress(shared: Store) -> None:
    put_folder(shared, "runs/1", **{"model": b"1", ".scratch": b"2", ".work__file": b"3"})
    assert [file.path for file in shared.files("runs/1")] == ["model"]


def test_many_threads_fetch_a_folder_once_and_all_get_it(shared: Store) -> None:
    put_folder(shared, "indexes/ab/1", **{f"file{number}": bytes([number]) for number in range(20)})
    found: list[int] = []
    with host("b"):
        threads = [
            threading.Thread(target=lambda: found.append(len(list(shared.local_copy("indexes/ab/1").iterdir()))))
            for _ in range(12)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [20] * 12
        assert [path.name for path in place_of("indexes/ab").iterdir()] == ["1"]


def test_a_name_that_is_too_long_is_refused(shared: Store) -> None:
    with pytest.raises(ValueError, match="too long"):
        shared.has(f"datasets/1-birds/images/{'中' * 300}.jpg")


# --- whose the bucket is


def test_a_bucket_of_another_site_is_refused(shared: Store, s3: S3Server, bucket: str) -> None:
    shared.check()
    Site.objects.all().delete()  # another database, to which the same URL was given
    store_at.cache_clear()
    for use in (lambda: store().has("runs/1"), lambda: store().delete("runs/1"), store().check):
        with pytest.raises(StorageAway, match="another site"):
            use()
    assert s3.names(bucket) == ["kindred.json"]


def test_a_bucket_with_something_else_is_refused(shared: Store, s3: S3Server, bucket: str) -> None:
    s3.client.put_object(Bucket=bucket, Key="site/holiday.jpg", Body=b"1")
    with pytest.raises(StorageAway, match="something else"):
        shared.check()
    assert s3.names(bucket) == ["holiday.jpg"]


def test_two_hosts_that_start_at_once_claim_the_bucket_together(s3: S3Server, bucket: str, db: None) -> None:
    Site.own()
    hosts = [objects.ObjectStore(objects.s3(s3.url(bucket))) for _ in range(2)]
    for one in hosts:
        one.check()
    assert Site.objects.count() == 1 and s3.names(bucket) == ["kindred.json"]


# --- a storage that is away, or refuses


def test_a_storage_that_is_not_there_is_told_soon(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "RETRY_SECONDS", 1)
    away = objects.ObjectStore(objects.s3("s3://kindred/site?endpoint=http://127.0.0.1:9"))
    started = time.monotonic()
    with pytest.raises(StorageAway, match="does not answer") as told:
        away.check()
    assert time.monotonic() - started < 20 and told.value.retry_after


def test_a_paused_storage_is_told_and_serves_again_afterwards(
    shared: Store, s3: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(shared, "maps/1.json", b"{}")
    for name, seconds in (("SECONDS", 1), ("RETRY_SECONDS", 1)):
        monkeypatch.setattr(objects, name, seconds)
    hasty = objects.ObjectStore(objects.s3(s3.url(bucket)))
    hasty.check()
    s3.pause()
    try:
        with pytest.raises(StorageAway, match="does not answer"):
            hasty.open("maps/1.json")
        assert hasty.local_copy("maps/1.json").read_bytes() == b"{}", "a copy is still used"
    finally:
        s3.resume()
    assert hasty.open("maps/1.json").read() == b"{}"


@pytest.mark.parametrize("status", [HTTPStatus.FORBIDDEN, HTTPStatus.UNAUTHORIZED])
def test_a_storage_that_refuses_the_key_is_told_as_that(status: HTTPStatus, bucket: str) -> None:
    class Refusing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_HEAD = do_PUT = do_GET  # noqa: N815

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        refusing = objects.ObjectStore(objects.s3(f"s3://kindred/x?endpoint=http://127.0.0.1:{server.server_port}"))
        with pytest.raises(StorageAway, match="refuses"):
            refusing.check()
    finally:
        server.shutdown()


def test_contents_are_of_what_lies_there(shared: Store) -> None:
    place = put_folder(shared, "runs/1", model=b"weights")
    contents = Contents.of(place)
    assert Contents.from_json(contents.to_json(), "runs/1") == contents
