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
    missing = dataset.images.filter(look=None).order_by("pk")
    total = missing.count()
    filled = done = last = 0
    while block := list(missing.filter(pk__gt=last)[:BATCH]):
        progress("hashes", done, total)
        for image in block:
            image.dataset = dataset  # its folder is in the name of the file: no query for each
        with_look = [image for image in block if _look_at(image)]
        Image.objects.bulk_update(with_look, ["look"])
        filled, done, last = filled + len(with_look), done + len(block), block[-1].pk
    progress("hashes", total, total)
    return filled


def _look_at(image: Image) -> bool:
    try:
        small = open_picture(thumbnail_of(image).read_bytes())
    except Rejected:
        return False
    image.look = perceptual_hash(np.asarray(small))
    return True
