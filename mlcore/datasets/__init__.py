"""Data sets: readers of their layouts, import into folders, splits by class, cached pixels."""

from mlcore.datasets.cache import PixelCache, cache_folder, open_cache
from mlcore.datasets.catalogue import DatasetFolder, Picture, load_dataset, write_catalogue
from mlcore.datasets.import_report import ImportReport
from mlcore.datasets.importer import import_pictures
from mlcore.datasets.layout_detection import open_source
from mlcore.datasets.source import GALLERY, QUERY, TEST, TRAIN, Source, SourceItem
from mlcore.datasets.splits import class_disjoint, k_folds, validation_classes

__all__ = [
    "GALLERY",
    "QUERY",
    "TEST",
    "TRAIN",
    "DatasetFolder",
    "ImportReport",
    "Picture",
    "PixelCache",
    "Source",
    "SourceItem",
    "cache_folder",
    "class_disjoint",
    "import_pictures",
    "k_folds",
    "load_dataset",
    "open_cache",
    "open_source",
    "validation_classes",
    "write_catalogue",
]
