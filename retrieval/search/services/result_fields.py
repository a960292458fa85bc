"""The public names of a search and of its results: one list for the API, the files and the personal export."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from operator import attrgetter

from retrieval.models import Image, Search
from retrieval.search.services.headlines import Headline
from retrieval.search.services.options import options_of
from retrieval.search.services.results import Column, Result, SearchResults

SEARCH_FIELDS = (
    "id", "name", "root", "created_at", "k", "box", "threshold", "filters", "exclude_self", "more_like", "less_like",
)  # fmt: skip
COLUMN_FIELDS = ("model", "model_name")
RESULT_FIELDS = ("rank", "image", "dataset", "dataset_name", "path", "class_name", "similarity", "mark")
ROW_FIELDS = (*COLUMN_FIELDS, *RESULT_FIELDS)
"""Of a result in a table, where its model is named in every row."""

QUERY_FIELDS = ("image", "dataset", "dataset_name", "path", "class_name")
_QUERY_SOURCES = ("pk", "dataset_id", "dataset.name", "path", "class_name")

Fields = dict[str, object]


def filters_of(search: Search) -> Fields:
    """Return the filters as the API takes them."""
    options = options_of(search)
    classes = [{"dataset": dataset, "label": label} for dataset, label in options.classes]
    return {"splits": list(options.splits), "classes": classes}


_SEARCH_SOURCES: Mapping[str, Callable[[Search], object]] = {
    "id": lambda search: str(search.pk),
    "root": lambda search: search.root_id and str(search.root_id),
    "created_at": lambda search: search.created_at.isoformat(),
    "filters": filters_of,
    "more_like": attrgetter("more"),
    "less_like": attrgetter("less"),
}


def search_fields(search: Search) -> Fields:
    """Return a search's own fields as plain JSON values."""
    return {name: _SEARCH_SOURCES.get(name, attrgetter(name))(search) for name in SEARCH_FIELDS}


def query_fields(query: Image | None) -> Fields | None:
    """Return the picture of a data set that was searched with; None for a picture of one's own."""
    if query is None:
        return None
    return {name: attrgetter(source)(query) for name, source in zip(QUERY_FIELDS, _QUERY_SOURCES, strict=True)}


def row_fields(column: Column, result: Result) -> Fields:
    """Return a result as a row of a table."""
    return {name: getattr(column if name in COLUMN_FIELDS else result, name) for name in ROW_FIELDS}


def headline_fields(headline: Headline) -> Fields:
    """Return what the models together predict, with the names of the API."""
    own = ("dataset", "dataset_name", "state")
    named = {name: [asdict(candidate) for candidate in getattr(headline, name)] for name in ("classes", "others")}
    return {**{name: getattr(headline, name) for name in own}, **named, "text": headline.text}


def rows_of(results: SearchResults) -> Iterator[Fields]:
    """Yield the rows of all models, each best first."""
    for column in results.columns:
        for result in column.results:
            yield row_fields(column, result)


def document_of(results: SearchResults, query: Image | None) -> Fields:
    """Return a search with its query, its data sets and its results, as files and the personal export hold it."""
    return {
        **search_fields(results.search),
        "query": query_fields(query),
        "datasets": [
            {"id": dataset.pk, "name": dataset.name, "licence": dataset.licence, "attribution": dataset.attribution}
            for dataset in results.search.datasets.all()
        ],
        "results": list(rows_of(results)),
    }
