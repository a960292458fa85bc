"""The vector index: approximate nearest neighbours by HNSW. It serves; it never measures."""

from mlcore.index.build import build_index
from mlcore.index.codes import Codes, Subset
from mlcore.index.growth import CannotGrow, grow_index, plan_growth
from mlcore.index.hnsw import VectorIndex
from mlcore.index.recall import overlap_at
from mlcore.index.rocchio import moved_query
from mlcore.index.store import IndexManifest, load_index, load_vectors, preprocessing_sha256

__all__ = [
    "CannotGrow",
    "Codes",
    "IndexManifest",
    "Subset",
    "VectorIndex",
    "build_index",
    "grow_index",
    "load_index",
    "load_vectors",
    "moved_query",
    "overlap_at",
    "plan_growth",
    "preprocessing_sha256",
]
