"""An object storage that all hosts of a site share, with copies on each host.

A file is an object under its key, with its SHA-256 beside it. A folder never changes: each of its files is an object
named by its SHA-256, and the list of them comes last and never over another. So a host that dies while it stores leaves
no folder, and of two hosts that store the same folder one is first and both have its files afterwards.
"""

import hashlib
import io
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import parse_qs, quote, unquote, urlsplit
from weakref import WeakValueDictionary

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import S3Store

from mlcore.artifacts import published, sha256_of_file
from storage import claim, copies
from storage.contents import Contents, visible_files
from storage.errors import StorageAway, StoredDamaged
from storage.folder import remove
from storage.store import PARTS, FolderFile, Size, Stored, place_of

CONTENTS, FILES = ".contents.json", ".files"
"""Below a folder's key: the list of its files, and the objects that hold them. No key of a file is hidden."""
AT_ONCE = 8  # transfers of one folder
CHUNK = 2**20  # bytes of a file in memory
RANGE = 16 * 2**20  # bytes that a further request reads of a file that the first could not read in SECONDS
LONGEST_NAME = 1024  # bytes, of S3
SUM = "sha256"  # beside each object
SECONDS, CONNECT_SECONDS, RETRY_SECONDS, RETRIES = 30, 5, 10, 2


def s3(url: str) -> S3Store:
    """Return the bucket of a URL such as `s3://bucket/prefix?endpoint=https://host:9000&region=eu-central-1`.

    The credentials are those of the environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, or a role of the machine.

    Raises:
        ValueError: there is no bucket, or a parameter that is not known.
    """
    parts, given = urlsplit(url), {name: values[-1] for name, values in parse_qs(urlsplit(url).query).items()}
    unknown = set(given) - {"endpoint", "region"}
    if unknown or not parts.hostname or "@" in parts.netloc:
        what = f"parameter {min(unknown)!r} is not known" if unknown else "it must be s3://bucket/prefix, without a key"
        raise ValueError(f"STORAGE_URL: {what}; see docs/settings.md")
    endpoint = given.get("endpoint") or os.environ.get("AWS_ENDPOINT_URL")
    options: dict[str, Any] = {"endpoint": endpoint} if endpoint else {}
    return S3Store(
        parts.netloc,
        prefix=parts.path.strip("/") or None,
        region=given.get("region") or os.environ.get("AWS_REGION", "us-east-1"),
        virtual_hosted_style_request=False,
        client_options={
            "allow_http": str(endpoint or "").startswith("http://"),
            "timeout": f"{SECONDS}s",
            "connect_timeout": f"{CONNECT_SECONDS}s",
        },
        retry_config={"max_retries": RETRIES, "retry_timeout": timedelta(seconds=RETRY_SECONDS)},
        **options,
    )


class ObjectStore:
    """Files and folders in a bucket, each with a copy on the hosts that read it."""

    is_shared = True

    def __init__(self, objects: S3Store) -> None:
        self.objects = objects
        self._claimed = False
        self._guard = threading.Lock()
        self._locks: WeakValueDictionary[str, threading.Lock] = WeakValueDictionary()

    def put(self, key: str, source: Path | None = None) -> None:
        place = source or place_of(key)
        with self._reached():
            if place.is_dir():
                self._put_folder(key, place)
            else:
                self._put_file(_name(key), place, sha256_of_file(place))
        copies.mark(place)

    def _put_folder(self, key: str, place: Path) -> None:
        contents = Contents.of(place)
        there = {row["path"] for row in self._listed(f"{_name(key)}/{FILES}/")}
        missing = {file.sha256: path for path, file in contents.files.items()}
        missing = {digest: path for digest, path in missing.items() if self._blob(key, digest) not in there}
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for _ in pool.map(
                lambda item: self._put_file(self._blob(key, item[0]), place / item[1], item[0]), missing.items()
            ):
                pass
        try:
            obstore.put(self.objects, f"{_name(key)}/{CONTENTS}", contents.to_json(), mode="create")
        except AlreadyExistsError:
            stored, _ = self._contents(key)
            if stored != contents:  # another host was first
                copies.drop(place)
                self.local_copy(key)

    def _put_file(self, name: str, place: Path, digest: str) -> None:
        obstore.put(self.objects, name, place, attributes={SUM: digest})

    def local_copy(self, key: str) -> Path:
        place = place_of(key)
        if place.exists():
            copies.note_use(place)
            return place
        with self._one_at_a_time(key), self._reached():
            if not place.exists():
                self._fetch(key, place)
        return place

    def _fetch(self, key: str, place: Path) -> None:
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            contents = None if place.suffix else self._contents(key)[0]
            if contents is None:
                self._fetch_file(_name(key), place)
            else:
                self._fetch_folder(key, place, contents)
        except FileNotFoundError:
            return
        copies.mark(place)
        copies.look_if_due()

    def _fetch_folder(self, key: str, place: Path, contents: Contents) -> None:
        def fetch(item: tuple[str, str]) -> None:
            path, digest = item
            target = scratch / path
            target.parent.mkdir(parents=True, exist_ok=True)
            self._fetch_file(self._blob(key, digest), target, digest)

        try:
            with published(place) as scratch, ThreadPoolExecutor(AT_ONCE) as pool:
                for _ in pool.map(fetch, [(path, file.sha256) for path, file in contents.files.items()]):
                    pass
        except FileExistsError:  # another process was first
            return
        except FileNotFoundError as error:
            raise StoredDamaged(f"a file of {key} is missing in the storage") from error

    def _fetch_file(self, name: str, target: Path, expected: str = "") -> None:
        """Write an object to a path, whole or not at all.

        Raises:
            FileNotFoundError: there is no such object.
            StoredDamaged: its bytes are not those that were stored.
        """
        scratch = target.with_name(f".{target.name[:100]}-{os.getpid()}-{threading.get_ident()}")
        try:
            with scratch.open("wb") as file:
                stored_at = self._read(name, expected, file)
            os.utime(scratch, (time.time(), stored_at.timestamp()))
            scratch.replace(target)
        finally:
            scratch.unlink(missing_ok=True)

    def _read(self, name: str, expected: str = "", target: BinaryIO | None = None) -> datetime:
        """Read an object, into `target` if one is given; return when it was stored. Raises as `_fetch_file`."""
        first, digest = obstore.get(self.objects, name), hashlib.sha256()
        for chunk in self._chunks(first, name):
            digest.update(chunk)
            if target is not None:
                target.write(chunk)
        if digest.hexdigest() != (expected or first.attributes.get(SUM, digest.hexdigest())):
            raise StoredDamaged(f"{unquote(name)} is damaged in the storage: its checksum differs")
        stored_at: datetime = first.meta["last_modified"]
        return stored_at

    def _chunks(self, first: Any, name: str) -> Iterator[Any]:
        """Yield the bytes of an object; where one request's time is over, the next goes on from there."""
        size, done = first.meta["size"], 0
        try:
            for chunk in first.stream(min_chunk_size=CHUNK):
                done += len(chunk)
                yield chunk
        except BaseError:
            if not done:
                raise
        while done < size:
            chunk = obstore.get_range(self.objects, name, start=done, end=min(done + RANGE, size))
            done += len(chunk)
            yield chunk

    def local_part(self, key: str, path: str) -> Path:
        whole, place = place_of(key), place_of(f"{PARTS}/{key}/{path}")
        if whole.is_dir():
            return self.local_copy(key) / path
        if place.exists():
            copies.note_use(place)
            return place
        with self._one_at_a_time(f"{key}/{path}"), self._reached():
            contents, _ = self._contents(key)
            if contents is not None and path in contents.files and not place.exists():
                digest = contents.files[path].sha256
                place.parent.mkdir(parents=True, exist_ok=True)
                self._fetch_file(self._blob(key, digest), place, digest)
                copies.mark(place)
        return place

    def files(self, key: str) -> list[FolderFile]:
        prefix = f"{_name(key)}/"
        with self._reached():
            contents, stored_at = self._contents(key)
            if contents is not None and stored_at is not None:
                return [FolderFile(path, file.bytes, stored_at, file.sha256) for path, file in contents.files.items()]
            return [
                FolderFile(unquote(row["path"].removeprefix(prefix)), row["size"], row["last_modified"], None)
                for row in self._listed(prefix)
                if f"/{FILES}/" not in row["path"]
            ]

    def refreshed(self, key: str) -> Path:
        folder, prefix = place_of(key), f"{_name(key)}/"
        folder.mkdir(parents=True, exist_ok=True)
        with self._reached():
            stored = {unquote(row["path"].removeprefix(prefix)): row for row in self._listed(prefix)}
            for path, row in stored.items():
                place = place_of(f"{key}/{path}")
                if not self._is_same(place, row):
                    place.parent.mkdir(parents=True, exist_ok=True)
                    self._fetch_file(row["path"], place)
        for place in list(visible_files(folder)):
            if place.relative_to(folder).as_posix() not in stored:  # deleted; or stored just now, then fetched again
                place.unlink(missing_ok=True)
        copies.mark(folder)
        return folder

    def _is_same(self, place: Path, row: Any) -> bool:
        """Say whether an object is what lies here; by its time, which is in seconds, or once by its checksum."""
        if not place.is_file() or place.stat().st_size != row["size"]:
            return False
        stored_at = row["last_modified"].timestamp()
        if place.stat().st_mtime == stored_at:
            return True
        if obstore.get(self.objects, row["path"]).attributes.get(SUM) != sha256_of_file(place):
            return False
        os.utime(place, (time.time(), stored_at))
        return True

    def open(self, key: str) -> BinaryIO:
        with self._reached():
            return io.BytesIO(bytes(obstore.get(self.objects, _name(key)).bytes()))

    def write(self, key: str, data: bytes) -> None:
        with self._reached():
            obstore.put(self.objects, _name(key), data, attributes={SUM: hashlib.sha256(data).hexdigest()})

    def has(self, key: str) -> bool:
        with self._reached():
            return self._head(_name(key)) is not None or self._head(f"{_name(key)}/{CONTENTS}") is not None

    def _head(self, name: str) -> Any:
        try:
            return obstore.head(self.objects, name)
        except FileNotFoundError:
            return None

    def measure(self, key: str) -> Size:
        with self._reached():
            own = self._head(_name(key))
            sizes = [own["size"]] if own else []
            sizes += [row["size"] for row in self._listed(f"{_name(key)}/") if not row["path"].endswith(CONTENTS)]
            return Size(len(sizes), sum(sizes))

    def below(self, key: str) -> Iterator[Stored]:
        prefix = f"{_name(key)}/"
        with self._reached():
            listed = obstore.list_with_delimiter(self.objects, prefix)
            found = {row["path"]: row["last_modified"] for row in listed["objects"]}
            found |= {name: self._stored_at(name) for name in listed["common_prefixes"]}
        for name, changed_at in sorted(found.items()):
            yield Stored(f"{key}/{unquote(name.removeprefix(prefix))}", changed_at)

    def _stored_at(self, name: str) -> datetime:
        """Return when a folder was stored, or one of its first files where it has no list."""
        head = self._head(f"{name}/{CONTENTS}")
        moments = [head["last_modified"]] if head else [row["last_modified"] for row in self._first(f"{name}/")]
        newest: datetime = max(moments)
        return newest

    def _first(self, prefix: str) -> Any:
        return next(iter(obstore.list(self.objects, prefix)))

    def verify(self, key: str) -> None:
        with self._reached():
            contents, _ = self._contents(key)
            if contents is None:
                if self._head(_name(key)) is None:
                    raise FileNotFoundError(f"{key} is missing in the storage")
                self._read(_name(key))
                return
            for path, file in contents.files.items():
                try:
                    self._read(self._blob(key, file.sha256), file.sha256)
                except FileNotFoundError:
                    raise StoredDamaged(f"{path} of {key} is missing in the storage") from None

    def delete(self, key: str) -> None:
        name = _name(key)
        remove(place_of(key))
        with self._reached():
            # The list first: what is left of a folder without its list is nothing.
            obstore.delete(self.objects, [f"{name}/{CONTENTS}", name])
            below = [row["path"] for row in self._listed(f"{name}/")]
            if below:
                obstore.delete(self.objects, below)

    def check(self) -> None:
        with self._reached():
            obstore.head(self.objects, claim.NAME)

    def _contents(self, key: str) -> tuple[Contents | None, datetime | None]:
        """Return the list of a folder's files and when it was stored; None where there is no folder."""
        try:
            found = obstore.get(self.objects, f"{_name(key)}/{CONTENTS}")
        except FileNotFoundError:
            return None, None
        return Contents.from_json(bytes(found.bytes()), key), found.meta["last_modified"]

    def _blob(self, key: str, digest: str) -> str:
        return f"{_name(key)}/{FILES}/{digest}"

    def _listed(self, prefix: str) -> Iterator[Any]:
        for rows in obstore.list(self.objects, prefix):
            yield from (row for row in rows if row["path"].startswith(prefix))

    @contextmanager
    def _one_at_a_time(self, key: str) -> Iterator[None]:
        """Let the threads of this process fetch a key one after the other: the second finds what the first got."""
        with self._guard:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            yield

    @contextmanager
    def _reached(self) -> Iterator[None]:
        """Turn the library's errors into sentences; first see that the bucket is this site's."""
        try:
            if not self._claimed:
                claim.take(self.objects)
                self._claimed = True
            yield
        except BaseError as error:
            raise StorageAway(_sentence(error)) from error


def _sentence(error: BaseException) -> str:
    if type(error).__name__ in ("PermissionDeniedError", "UnauthenticatedError"):
        return "the storage refuses this site's key; the operator has to mend its rights"
    return "the storage of files does not answer; try again in a moment"


def _name(key: str) -> str:
    """Return the name of a key's object: characters that objects cannot have are escaped.

    Raises:
        ValueError: it would be too long.
    """
    place_of(key)  # it must not lead out
    name = "".join(quote(letter, safe="") if letter < " " or letter in "%\x7f" else letter for letter in key)
    if len(name.encode()) > LONGEST_NAME - 200:  # with room for a prefix and a checksum
        raise ValueError(f"{key[:100]}… is too long for the storage: at most {LONGEST_NAME - 200} bytes")
    return name
