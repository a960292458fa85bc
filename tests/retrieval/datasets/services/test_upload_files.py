import hashlib
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from config.errors import Rejected, TooLarge
from retrieval.datasets.services import upload_files as files
from retrieval.datasets.services import uploads
from retrieval.datasets.services.upload_files import StoredFile, files_of, paths_below
from retrieval.models import Upload
from tests.retrieval.datasets.filled import filled, sent

pytestmark = [pytest.mark.django_db, pytest.mark.services]
FILES = {"owls/1.jpg": b"one", "owls/2.jpg": b"two", "jays/a b/1.jpg": b"three", "owls-2/1.jpg": b"four", "0.jpg": b"5"}


def test_what_is_stored_is_told_by_path_hash_and_size() -> None:
    upload = uploads.begin_upload(None)
    assert sent(upload, {"owls/1.jpg": b"one"}) == [StoredFile("owls/1.jpg", hashlib.sha256(b"one").hexdigest(), 3)]
    assert (upload.folder / "owls" / "1.jpg").read_bytes() == b"one"


def test_files_are_counted_and_one_that_comes_again_is_replaced() -> None:
    upload = filled(FILES)
    assert (upload.files, upload.bytes) == (5, 16)
    before = upload.changed_at
    sent(upload, {"owls/1.jpg": b"another one", "owls/3.jpg": b"3"})
    upload.refresh_from_db()
    assert (upload.files, upload.bytes) == (6, 25) and upload.changed_at > before
    assert (upload.folder / "owls" / "1.jpg").read_bytes() == b"another one"


def test_nothing_but_the_files_is_left() -> None:
    upload = filled(FILES)
    assert {path.relative_to(upload.folder).as_posix() for path in upload.folder.rglob("*") if path.is_file()} == {
        *FILES
    }
    assert not list((upload.folder / ".aside").iterdir())


def test_files_are_listed_in_order_with_their_hashes() -> None:
    found = files_of(filled(FILES))
    assert [file.path for file in found] == ["0.jpg", "jays/a b/1.jpg", "owls/1.jpg", "owls/2.jpg", "owls-2/1.jpg"]
    assert all(file.sha256 == hashlib.sha256(FILES[file.path]).hexdigest() for file in found)
    assert [file.size for file in found] == [1, 5, 3, 3, 4]


@pytest.mark.parametrize("most", [1, 2, 3, 10])
def test_a_list_goes_on_behind_any_path(most: int) -> None:
    upload, after, met = filled(FILES), (), list[str]()
    while page := files_of(upload, after, most):
        met += [file.path for file in page]
        after = tuple(page[-1].path.split("/"))
    assert met == [file.path for file in files_of(upload)] and len(met) == 5


def test_a_list_goes_on_behind_a_path_that_is_gone() -> None:
    upload = filled(FILES)
    assert list(paths_below(upload.folder, ("owls", "1.png"))) == [("owls", "2.jpg"), ("owls-2", "1.jpg")]
    assert list(paths_below(upload.folder, ("nothing", "here"))) == [
        ("owls", "1.jpg"), ("owls", "2.jpg"), ("owls-2", "1.jpg"),
    ]  # fmt: skip


def test_a_list_looks_at_no_file_to_tell_files_from_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    upload, looked, stat = filled(FILES), list[str](), os.stat

    def told(path: Any, *args: Any, **options: Any) -> os.stat_result:
        looked.append(str(path))
        return stat(path, *args, **options)

    scanned, scandir = list[str](), os.scandir
    monkeypatch.setattr(os, "stat", told)
    monkeypatch.setattr(os, "scandir", lambda path: scanned.append(Path(path).name) or scandir(path))
    found = list(paths_below(upload.folder, ("owls", "1.jpg")))
    monkeypatch.undo()
    assert found == [("owls", "2.jpg"), ("owls-2", "1.jpg")] and not looked
    assert scanned == [upload.folder.name, "owls", "owls-2"], "what lies before is not looked into"


@pytest.mark.parametrize("path", ["../1.jpg", "owls/notes.txt", "Owls/3.jpg"])
def test_one_file_that_is_refused_keeps_the_whole_request_out(path: str) -> None:
    upload = filled(FILES)
    with pytest.raises(Rejected):
        sent(upload, {"owls/9.jpg": b"9", path: b"x"})
    upload.refresh_from_db()
    assert upload.files == 5 and len(files_of(upload)) == 5
    assert not list((upload.folder / ".aside").iterdir())


def test_an_upload_has_bounds(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = filled(FILES)
    settings.ARCHIVE_MAX_BYTES = 20
    with pytest.raises(TooLarge, match="MB"):
        sent(upload, {"owls/9.jpg": b"12345"})
    with pytest.raises(TooLarge, match="MB"):
        sent(uploads.begin_upload(None), {"owls/9.jpg": b"x" * 21})
    sent(upload, {"owls/1.jpg": b"1234567"})  # 4 bytes more than before: exactly the bound
    monkeypatch.setattr(files, "MOST_FILES", 5)
    with pytest.raises(TooLarge, match="5 files"):
        sent(upload, {"owls/9.jpg": b""})
    assert len(files_of(upload)) == 5


def test_a_process_that_died_while_it_moved_files_is_made_up_for(monkeypatch: pytest.MonkeyPatch) -> None:
    upload = filled({"owls/1.jpg": b"one"})

    def dies(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Upload, "save", dies)  # the files are in place, and the row does not say so
        sent(upload, {"owls/2.jpg": b"two", "owls/3.jpg": b"three"})
    upload.refresh_from_db()
    assert upload.files == 1 and len(files_of(upload)) == 3
    sent(upload, {"owls/2.jpg": b"two"})
    upload.refresh_from_db()
    assert (upload.files, upload.bytes) == (3, 11)
    assert not list((upload.folder / ".aside").iterdir())


def test_a_file_that_arrives_in_part_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    upload = uploads.begin_upload(None)

    def chunks(self: Any) -> Any:
        yield b"half of "
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(SimpleUploadedFile, "chunks", chunks)
    with pytest.raises(OSError, match="No space"):
        sent(upload, {"owls/1.jpg": b"half of it"})
    assert not files_of(upload) and not list((upload.folder / ".aside").iterdir())


def test_what_comes_after_a_job_took_the_upload_is_told() -> None:
    upload = filled(FILES)
    uploads.take_upload(upload)
    with pytest.raises(Upload.DoesNotExist):
        sent(upload, {"owls/9.jpg": b"9"})
    assert not (upload.folder / "owls" / "9.jpg").exists()


def test_what_comes_after_it_was_deleted_leaves_nothing() -> None:
    upload = filled(FILES)
    uploads.delete_upload(upload)
    with pytest.raises(Upload.DoesNotExist):
        sent(upload, {"owls/9.jpg": b"9"})
    assert not upload.folder.exists()


@pytest.mark.django_db(transaction=True)
def test_many_may_send_at_once() -> None:
    upload = uploads.begin_upload(None)
    faults: list[BaseException] = []

    def send(number: int) -> None:
        try:
            for batch in range(5):
                sent(upload, {f"class {number % 2}/{number}-{batch}-{file}.jpg": b"x" * number for file in range(4)})
                sent(upload, {"shared/1.jpg": str(number).encode() * 1000})
        except BaseException as error:  # noqa: BLE001  # told below, in the thread of the test
            faults.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    upload.refresh_from_db()
    listed = files_of(upload)
    assert upload.files == len(listed) == 6 * 5 * 4 + 1
    assert upload.bytes == sum(file.size for file in listed)
    shared = (upload.folder / "shared" / "1.jpg").read_text()
    assert len(shared) == 1000 and len(set(shared)) == 1


def test_paths_leave_no_trace_outside(tmp_path: Path) -> None:
    upload = filled(FILES)
    assert [path.name for path in upload.folder.parent.iterdir()] == [upload.folder.name]
