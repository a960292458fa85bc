"""One result among those of its model: what the large view shows, and where one goes from there."""

from dataclasses import dataclass

from retrieval.search.services.results import Column, Result, SearchResults


@dataclass(frozen=True, slots=True)
class ResultPlace:
    """A result, its column, and the results before and after it; None at either end."""

    column: Column
    result: Result
    previous: Result | None
    next: Result | None


def place_of(results: SearchResults, ranking: int, image: int) -> ResultPlace | None:
    """Return the place of a picture in a ranking; None where the search shows no such result."""
    for column in results.columns:
        for at, result in enumerate(column.results):
            if (result.ranking, result.image) == (ranking, image):
                before = column.results[at - 1] if at else None
                after = column.results[at + 1] if at + 1 < len(column.results) else None
                return ResultPlace(column, result, before, after)
    return None
