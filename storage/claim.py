"""An object that says which site a bucket, or a prefix of it, belongs to: two sites would delete each other's files."""

import json

import obstore
from obstore.exceptions import AlreadyExistsError
from obstore.store import S3Store

from storage.errors import StorageAway
from storage.models import Site

NAME, FORMAT = "kindred.json", 1


def take(objects: S3Store) -> None:
    """Claim an empty bucket for this site, or see that it is this site's.

    Raises:
        StorageAway: it is another's.
    """
    own = str(Site.own().pk)
    owner = owner_of(objects)
    if owner is None:
        if any(rows for rows in obstore.list(objects)):
            raise StorageAway(
                "STORAGE_URL names a bucket or prefix that holds something else; name an empty one for this site"
            )
        owner = _claimed(objects, own)
    if owner != own:
        raise StorageAway("STORAGE_URL names the files of another site; name a bucket or prefix of this site's own")


def owner_of(objects: S3Store) -> str | None:
    """Return the key of the site that has claimed the storage; None where nobody has. Raises StorageAway as `take`."""
    try:
        return str(json.loads(bytes(obstore.get(objects, NAME).bytes()))["site"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise StorageAway(f"{NAME} in the storage is no claim of a site; the operator has to look") from error


def _claimed(objects: S3Store, own: str) -> str:
    """Claim the storage unless another was faster; return whose it is."""
    try:
        obstore.put(objects, NAME, json.dumps({"format": FORMAT, "site": own}).encode(), mode="create")
    except AlreadyExistsError:
        return str(owner_of(objects))
    return own
