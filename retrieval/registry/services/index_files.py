"""Files that are added to the folder of an index after it was built: they go with it."""

from pathlib import Path

from retrieval.models import Index
from storage.store import place_of, store


def added_file(index: Index, name: str) -> Path:
    """Return the place of a file in an index's folder, whether it exists or not.

    The folder comes first: one that holds only this file would be taken for the whole index.
    """
    place = place_of(f"{index.path}/{name}")
    if place.exists() or not index.folder.is_dir():
        return place
    return store().local_copy(f"{index.path}/{name}")
