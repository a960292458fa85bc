"""Rules about searches."""

from retrieval.search.services.answers import answers_of
from retrieval.search.services.asking import ask, not_asked, searchable_datasets, searchable_models, system_search
from retrieval.search.services.keeping import (
    delete_search,
    query_file,
    roots_of,
    set_shared,
    shared_search,
    visible_searches,
)
from retrieval.search.services.ranking import rank
from retrieval.search.services.terms import Terms, terms_of

__all__ = [
    "Terms",
    "answers_of",
    "ask",
    "delete_search",
    "not_asked",
    "query_file",
    "rank",
    "roots_of",
    "searchable_datasets",
    "searchable_models",
    "set_shared",
    "shared_search",
    "system_search",
    "terms_of",
    "visible_searches",
]
