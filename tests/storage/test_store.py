"""What every storage does alike."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings

from storage.store import Size, Store, key_of, place_of, store_at

HARD = ["a b#c?é 中文 😀%20&+.jpg", "..b/c", "tab\tname\x7f.jpg", "back\\slash", "quote'\"<>|~^`{}[]*.jpg", "no-ending"]


def put(store: Store, key: str, data: bytes = b"some bytes") -> Path:
    place = place_of(key)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data)
    store.put(key)
    return place


def put_folder(store: Store, key: str, **files: bytes) -> Path:
    for name, data in files.items():
        file = place_of(key) / name.replace("__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    store.put(key)
    return place_of(key)


def test_a_file_that_was_put_is_there(any_store: Store) -> None:
    place = put(any_store, "maps/index-1.json", b"{}")
    assert any_store.has("maps/index-1.json") and any_store.local_copy("maps/index-1.json") == place
    with any_store.open("maps/index-1.json") as file:
        assert file.read() == b"{}"
    assert any_store.measure("maps/index-1.json") == Size(1, 2)
    any_store.verify("maps/index-1.json")


def test_a_folder_that_was_put_is_there_with_all_its_files(any_store: Store) -> None:
    place = put_folder(any_store, "runs/1", model=b"12345", per_query=b"", deep__er=b"7")
    assert any_store.has("runs/1") and any_store.local_copy("runs/1") == place
    assert any_store.measure("runs/1") == Size(3, 6)
    files = {file.path: file for file in any_store.files("runs/1")}
    assert {path: file.bytes for path, file in files.items()} == {"deep/er": 1, "model": 5, "per_query": 0}
    assert all(abs(datetime.now(UTC) - file.changed_at) < timedelta(minutes=1) for file in files.values())
    assert any_store.local_part("runs/1", "deep/er").read_bytes() == b"7"
    any_store.verify("runs/1")


def test_what_was_never_put_is_nowhere(any_store: Store) -> None:
    assert not any_store.has("runs/2") and not any_store.local_copy("runs/2").exists()
    assert not any_store.local_copy("maps/none.json").exists()
    assert not any_store.local_part("runs/2", "model").exists() and any_store.files("runs/2") == []
    assert any_store.measure("runs/2") == Size(0, 0) and list(any_store.below("runs")) == []
    with pytest.raises(FileNotFoundError):
        any_store.open("searches/none.jpg")
    with pytest.raises(FileNotFoundError):
        any_store.verify("runs/2")
    any_store.delete("runs/2")


def test_what_lies_below_a_key_is_listed_once_each(any_store: Store) -> None:
    put_folder(any_store, "runs/1", model=b"1", history=b"2")
    put_folder(any_store, "runs/12", model=b"1")
    put(any_store, "runs-of-others/x.json")
    found = list(any_store.below("runs"))
    assert [stored.key for stored in found] == ["runs/1", "runs/12"]
    assert all(abs(datetime.now(UTC) - stored.changed_at) < timedelta(minutes=1) for stored in found)


def test_deletion_takes_what_lies_below_and_nothing_else(any_store: Store) -> None:
    put_folder(any_store, "indexes/ab/1", graph=b"1")
    put(any_store, "indexes/ab/1/calibration-1.json")
    other = put_folder(any_store, "indexes/ab/12", graph=b"1")
    any_store.delete("indexes/ab/1")
    assert not any_store.has("indexes/ab/1") and not any_store.has("indexes/ab/1/calibration-1.json")
    assert not place_of("indexes/ab/1").exists()
    assert any_store.has("indexes/ab/12") and other.is_dir()


def test_bytes_are_written_as_a_file(any_store: Store) -> None:
    any_store.write("searches/1.jpg", b"private")
    with any_store.open("searches/1.jpg") as file:
        assert file.read() == b"private"
    any_store.delete("searches/1.jpg")
    assert not any_store.has("searches/1.jpg")


@pytest.mark.parametrize("name", HARD)
def test_a_name_may_hold_whatever_names_of_pictures_hold(any_store: Store, name: str) -> None:
    key = f"datasets/1-birds/images/{name}"
    put(any_store, key, name.encode())
    with any_store.open(key) as file:
        assert file.read() == name.encode()
    assert [stored.key for stored in any_store.below(key.rpartition("/")[0])] == [key]


def test_a_key_does_not_lead_out_of_its_folder(any_store: Store) -> None:
    for key in ("../secret_key", "/etc/passwd", "runs/../../secret_key", "weights/../db.sqlite3"):
        with pytest.raises(ValueError, match="no key"):
            any_store.local_copy(key)


def test_weights_lie_in_a_folder_of_their_own(any_store: Store) -> None:
    place = put(any_store, "weights/net.safetensors")
    assert place == settings.WEIGHTS_DIR / "net.safetensors" and key_of(place) == "weights/net.safetensors"
    assert [stored.key for stored in any_store.below("weights")] == ["weights/net.safetensors"]


@pytest.mark.parametrize("url", ["ftp://host/x", "s3://", "s3://key:secret@bucket/x", "s3://bucket/x?endpont=http://h"])
def test_a_url_of_no_storage_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="storage|STORAGE_URL"):
        store_at(url)
