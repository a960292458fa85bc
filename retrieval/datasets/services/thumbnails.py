"""Thumbnails and perceptual hashes of imported pictures; hashes find near-duplicates in results."""

import numpy as np

from config.errors import Rejected
from mlcore.events import Progress, no_progress
from mlcore.images.image_io import open_picture
from mlcore.images.perceptual_hash import perceptual_hash
from retrieval.datasets.services.pictures import thumbnail_of
from retrieval.models import Dataset, Image

BATCH = 500


def fill_looks(dataset: Dataset, progress: Progress = no_progress) -> int:
    """Create missing thumbnails and perceptual hashes; return how many pictures got one.

    Safe to run again. A picture whose file is gone or damaged gets none: it is never grouped with near-duplicates.
    """
    missing = list(dataset.images.filter(look=None))
    filled = 0
    for start in range(0, len(missing), BATCH):
        progress("hashes", start, len(missing))
        block = [image for image in missing[start : start + BATCH] if _look_at(image)]
        filled += len(block)
        Image.objects.bulk_update(block, ["look"])
    progress("hashes", len(missing), len(missing))
    return filled


def _look_at(image: Image) -> bool:
    try:
        small = open_picture(thumbnail_of(image).read_bytes())
    except Rejected:
        return False
    image.look = perceptual_hash(np.asarray(small))
    return True
