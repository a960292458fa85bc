"""Fields and constraints; every rule is in the services."""

from retrieval.models.dataset import Dataset, DatasetClass, DeletedImage, Image, ImageQuerySet
from retrieval.models.experiment import Experiment, Report, Run, Tuning
from retrieval.models.index import Index
from retrieval.models.mark import Mark
from retrieval.models.model import COLORS, Model
from retrieval.models.search import Ranking, Search
from retrieval.models.upload import Upload

__all__ = [
    "COLORS",
    "Dataset",
    "DatasetClass",
    "DeletedImage",
    "Experiment",
    "Image",
    "ImageQuerySet",
    "Index",
    "Mark",
    "Model",
    "Ranking",
    "Report",
    "Run",
    "Search",
    "Tuning",
    "Upload",
]
