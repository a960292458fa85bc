"""Rules about data sets. What changes an imported one is in the modules `curating`, `adding` and the like."""

from retrieval.datasets.services.class_pages import class_page
from retrieval.datasets.services.importing import run_import_job, submit_import
from retrieval.datasets.services.pictures import shown_picture_of, thumbnail_of
from retrieval.datasets.services.seeing import class_counts, set_public, shown_images, visible_datasets, visible_images
from retrieval.datasets.services.sources import is_drawn

__all__ = [
    "class_counts",
    "class_page",
    "is_drawn",
    "run_import_job",
    "set_public",
    "shown_images",
    "shown_picture_of",
    "submit_import",
    "thumbnail_of",
    "visible_datasets",
    "visible_images",
]
