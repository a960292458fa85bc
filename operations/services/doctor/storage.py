"""Checks of the storage of files: a probe is written, read, listed and removed, as the site does with every file."""

import re
import secrets
import tempfile
from collections.abc import Iterator
from urllib.parse import urlsplit

import obstore
from django.conf import settings
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import S3Store

from config import places
from operations.services.doctor.faults import explained
from operations.services.doctor.findings import Check, Finding, failure, ok
from operations.services.doctor.masking import brief
from storage import claim
from storage.errors import StorageAway
from storage.models import Site
from storage.objects import ObjectStore
from storage.store import store

_CODE = re.compile(r"<Code>(\w+)</Code>")
REFUSED = re.compile(r"status code: 40[13]\b")
"""In an error of a server that gives no code."""
NEW_KEY = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to a key that is valid, and restart the site."
RIGHTS = "Give this key the rights to list the bucket, and to read, write and delete its objects."
WAYS_OUT = {
    "InvalidAccessKeyId": ("does not know this site's key", NEW_KEY),
    "SignatureDoesNotMatch": ("refuses this site's secret", NEW_KEY),
    "ExpiredToken": ("says that this site's key has expired", NEW_KEY),
    "InvalidToken": ("refuses this site's session token", NEW_KEY),
    "AccessDenied": ("refuses this to the site's key", RIGHTS),
    "NoSuchBucket": ("has no such bucket", "Create the bucket, or correct its name in STORAGE_URL."),
    "RequestTimeTooSkewed": ("says that this machine's clock is wrong", "Synchronise it: `timedatectl set-ntp true`."),
}
"""What a code of S3 means, and the way out."""
CONSISTENT = "Use a storage that shows every write at once, as Amazon's S3 does; a cache before it must go."
UNCONDITIONAL = "Use a server that knows `If-None-Match: *` (docs/storage.md), or run jobs on one host only."


def files() -> Iterator[Finding]:
    """Write a probe to the storage, read it again, and remove it."""
    try:
        storage = store()
    except ValueError as error:
        yield failure(f"{error}.", "Correct STORAGE_URL; see docs/storage.md.")
        return
    if isinstance(storage, ObjectStore):
        yield from _probe_bucket(storage.objects)
    else:
        yield _probe_folder()


def _probe_folder() -> Finding:
    folder, data = places.media(), secrets.token_bytes(4096)
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-") as file:
            file.write(data)
            file.flush()
            file.seek(0)
            if file.read() != data:
                return failure(f"{folder} did not return what was written.", "Check that disk: `dmesg`, `smartctl`.")
    except OSError as error:
        do = "Make room, or give the user of the site the right to write there."
        return failure(f"Files cannot be stored in {folder}: {error.strerror}.", do)
    return ok(f"Files are stored in {folder}, which can be read and written.")


def _bucket() -> str:
    """Return the bucket and prefix as STORAGE_URL names them."""
    parts = urlsplit(settings.STORAGE_URL)
    return f"{parts.netloc}{parts.path}"


def _probe_bucket(objects: S3Store) -> Iterator[Finding]:
    name, what = f"doctor-{secrets.token_hex(8)}/probe", f"The storage {_bucket()}"
    try:
        next(iter(obstore.list(objects)), None)
    except (BaseError, OSError) as error:
        yield _refused(error, what, "cannot be listed")
        return
    try:
        obstore.put(objects, name, b"1")
    except (BaseError, OSError) as error:
        yield _refused(error, what, "can be read but not written")
        return
    faults = [*_of_reading(objects, name, what), *_of_removing(objects, name, what)]
    yield from faults
    if not faults:
        yield ok(f"{what} takes, shows and removes files, and never replaces one unasked.")


def _of_reading(objects: S3Store, name: str, what: str) -> Iterator[Finding]:
    """Look whether the probe is there at once, and whether a condition on writing is heeded."""
    try:
        if _read(objects, name) != b"1" or not _is_listed(objects, name):
            yield failure(f"{what} does not show at once what was stored.", CONSISTENT)
            return
        try:
            obstore.put(objects, name, b"2", mode="create")
        except AlreadyExistsError:
            pass
        except BaseError as error:
            yield failure(f"{what} does not know If-None-Match: {_short(error)}.", UNCONDITIONAL)
        else:
            yield failure(f"{what} ignores If-None-Match: two hosts may mix the files of a model.", UNCONDITIONAL)
        obstore.put(objects, name, b"3")
        if _read(objects, name) != b"3":
            yield failure(f"{what} still shows what was replaced.", CONSISTENT)
    except BaseError as error:
        yield _refused(error, what, "cannot be read")


def _of_removing(objects: S3Store, name: str, what: str) -> Iterator[Finding]:
    try:
        obstore.delete(objects, [name])
        if _read(objects, name) is not None:
            yield failure(f"{what} still shows {name}, which was deleted.", f"{CONSISTENT} Delete {name} by hand.")
    except (BaseError, OSError) as error:
        refused = _refused(error, what, "does not delete")
        yield failure(refused.seen, f"{refused.do} Delete {name} by hand.")


def _read(objects: S3Store, name: str) -> bytes | None:
    try:
        return bytes(obstore.get(objects, name).bytes())
    except FileNotFoundError:
        return None


def _is_listed(objects: S3Store, name: str) -> bool:
    return any(row["path"] == name for rows in obstore.list(objects, name.partition("/")[0]) for row in rows)


def _refused(error: BaseException, what: str, failed: str) -> Finding:
    """Return what an error of S3 means. failed: the predicate of what was tried."""
    code = _CODE.search(str(error))
    if code and code[1] in WAYS_OUT:
        meaning, way_out = WAYS_OUT[code[1]]
        return failure(f"{what} {failed}: the server {meaning} ({code[1]}).", way_out)
    if REFUSED.search(str(error)):
        return failure(f"{what} {failed}: the server refuses this site's key.", f"{NEW_KEY} {RIGHTS}")
    if "169.254." in str(error):  # where machines with a role find their key
        return failure(f"{what} {failed}: no key is set, and this machine has no role.", NEW_KEY)
    return explained(error, what, "STORAGE_URL")


def _short(error: BaseException) -> str:
    code = _CODE.search(str(error))
    return code[1] if code else brief(error)


def owner() -> Iterator[Finding]:
    """See whose files the bucket holds: two sites would delete each other's."""
    storage = store()
    if not isinstance(storage, ObjectStore):
        yield ok("The files are in a folder of this machine.")
        return
    do = "Name a bucket or prefix of this site's own in STORAGE_URL, or the DATABASE_URL that belongs to these files."
    try:
        claimed, own = claim.owner_of(storage.objects), Site.objects.first()
    except StorageAway as error:
        yield failure(f"{error}.", do)
        return
    if claimed is None:
        if any(rows for rows in obstore.list(storage.objects)):
            yield failure(f"{_bucket()} holds files, but none of a Kindred site.", do)
        else:
            yield ok(f"{_bucket()} is empty; the site claims it at the first use.")
    elif own is None or claimed != str(own.pk):
        yield failure(f"{_bucket()} holds the files of another site ({claimed[:8]}).", do)
    else:
        yield ok(f"{_bucket()} holds the files of this site.")


CHECKS = (Check("storage", "services", files, seconds=25),)
OWNER = Check("storage-owner", "data", owner, ("storage", "migrations"), seconds=25)
