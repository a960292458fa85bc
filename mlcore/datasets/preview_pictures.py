"""The few pictures that a preview decodes: thumbnails of the first classes, and near-duplicates in a sample."""

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice

import numpy as np

from mlcore.datasets.parallel_map import in_order
from mlcore.datasets.source import SourceItem, is_held_out
from mlcore.errors import MlcoreError
from mlcore.events import Progress, no_progress
from mlcore.images.image_io import encode_jpeg, open_picture, thumbnail
from mlcore.images.perceptual_hash import near_duplicate_matrix, perceptual_hash

THUMBNAIL_SIDE = 96
THUMBNAIL_QUALITY = 60
MOST_SECONDS = 4.0
"""For all pictures together: a preview of large photographs looks at fewer of them."""

SAMPLE = 48
"""Pictures of each split that are compared; none of the comparison of all is done before the import."""


CANDIDATES = 100_000
"""Pictures among which those of the sample are chosen; of more, as many from everywhere."""


@dataclass(frozen=True)
class Look:
    """A decoded picture: its thumbnail as JPEG bytes, and its perceptual hash."""

    thumbnail: bytes
    perceptual_hash: bytes


@dataclass(frozen=True)
class NearDuplicates:
    """Near-duplicates across the split among `held_out` and `trained` pictures that were compared.

    pairs: (path of a held-out picture, path of a training picture).
    """

    held_out: int = 0
    trained: int = 0
    pairs: tuple[tuple[str, str], ...] = ()


def look_at(items: Sequence[SourceItem], progress: Progress = no_progress) -> dict[str, Look]:
    """Return looks at pictures by their paths, without those that are damaged or that no time is left for."""
    until = time.monotonic() + MOST_SECONDS
    looks: dict[str, Look] = {}
    with closing(in_order(_look, items)) as found:
        for done, (item, look) in enumerate(zip(items, found, strict=False), start=1):
            if look is not None:
                looks[item.path] = look
            progress("pictures", done, len(items))
            if time.monotonic() > until:
                break
    return looks


def _look(item: SourceItem) -> Look | None:
    try:
        small = thumbnail(open_picture(item.read()), THUMBNAIL_SIDE)
    except (MlcoreError, OSError):
        return None  # the import reports each damaged file
    return Look(encode_jpeg(small, THUMBNAIL_QUALITY), perceptual_hash(np.asarray(small)))


def sample_of_splits(items: Sequence[SourceItem], sizes: Mapping[str, int]) -> list[SourceItem]:
    """Return at most SAMPLE pictures of each split, none where one split has none.

    Files of as many bytes as one of the other split come first: most copies are among them.
    sizes: bytes by path, as far as known.
    """
    candidates = [items[place] for place in range(0, len(items), max(1, len(items) // CANDIDATES))]
    held_out = [item for item in candidates if is_held_out(item.split)]
    trained = [item for item in candidates if not is_held_out(item.split)]
    if not held_out or not trained:
        return []
    by_size = {size: item for item in trained if (size := sizes.get(item.path)) is not None}
    alike = ((item, by_size[size]) for item in held_out if (size := sizes.get(item.path)) in by_size)
    pairs = list(islice(alike, SAMPLE // 2))
    return [
        *_filled((ours for ours, _ in pairs), held_out),
        *_filled((theirs for _, theirs in pairs), trained),
    ]


def _filled(first: Iterable[SourceItem], items: Sequence[SourceItem]) -> list[SourceItem]:
    """Return `first` and, up to SAMPLE, pictures from everywhere in `items`."""
    step = max(1, len(items) // SAMPLE)
    by_path = {item.path: item for item in (*first, *islice(items, 0, None, step))}
    return list(by_path.values())[:SAMPLE]


def near_duplicates_across(items: Sequence[SourceItem], looks: Mapping[str, Look]) -> NearDuplicates:
    """Return the near-duplicates between held-out and training pictures among those that were looked at."""
    seen = [item for item in items if item.path in looks]
    if not seen:
        return NearDuplicates()
    alike = near_duplicate_matrix([looks[item.path].perceptual_hash for item in seen])
    held_out = [row for row, item in enumerate(seen) if is_held_out(item.split)]
    trained = [row for row, item in enumerate(seen) if not is_held_out(item.split)]
    pairs = [(seen[ours].path, seen[theirs].path) for ours in held_out for theirs in trained if alike[ours, theirs]]
    return NearDuplicates(len(held_out), len(trained), tuple(pairs))
