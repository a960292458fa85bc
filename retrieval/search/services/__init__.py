"""Rules about searches."""

from retrieval.search.services.asking import ask, not_asked, rank, searchable_models, system_search
from retrieval.search.services.keeping import (
    answers_of,
    delete_search,
    query_file,
    set_shared,
    shared_search,
    visible_searches,
)

__all__ = [
    "answers_of",
    "ask",
    "delete_search",
    "not_asked",
    "query_file",
    "rank",
    "searchable_models",
    "set_shared",
    "shared_search",
    "system_search",
    "visible_searches",
]
