"""A person's searches in their personal export."""

from accounts.models import User
from retrieval.search.services.access import visible_searches
from retrieval.search.services.result_fields import Fields, document_of
from retrieval.search.services.results import results_of_all

AT_ONCE = 200  # searches in memory, with their results


def export_searches(user: User) -> list[Fields]:
    """Return a person's searches with the fields of the API and the files, for their personal export."""
    every = list(visible_searches(user).select_related("query_image__dataset"))
    documents = []
    for start in range(0, len(every), AT_ONCE):
        searches = every[start : start + AT_ONCE]
        results = results_of_all(searches, user)
        for search in searches:
            document = document_of(results[search.pk], search.query_image)
            documents.append({**document, "shared": search.share_token is not None})
    return documents
