"""Rules about searches."""

from retrieval.search.services.answers import answers_of, answers_of_all, overlaps_of, problems_of, summary_of
from retrieval.search.services.asking import (
    Asked,
    ask,
    not_asked,
    searchable_datasets,
    searchable_models,
    system_search,
)
from retrieval.search.services.batches import ask_all
from retrieval.search.services.keeping import (
    delete_search,
    query_file,
    roots_of,
    shown_query,
    visible_searches,
)
from retrieval.search.services.ranking import rank
from retrieval.search.services.sharing import links_into, revoke_link, set_shared, shared_search
from retrieval.search.services.state import jobs_under_way, outdated, unanswered
from retrieval.search.services.terms import Terms, changed_terms, find_classes, terms_of

__all__ = [
    "Asked",
    "Terms",
    "answers_of",
    "answers_of_all",
    "ask",
    "ask_all",
    "changed_terms",
    "delete_search",
    "not_asked",
    "find_classes",
    "jobs_under_way",
    "links_into",
    "outdated",
    "overlaps_of",
    "problems_of",
    "query_file",
    "rank",
    "revoke_link",
    "roots_of",
    "searchable_datasets",
    "searchable_models",
    "set_shared",
    "shared_search",
    "shown_query",
    "summary_of",
    "system_search",
    "terms_of",
    "unanswered",
    "visible_searches",
]
