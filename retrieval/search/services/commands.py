"""Commands that repeat a search from a shell: for the API with curl, and for the `kindred` command."""

import json
import shlex

from retrieval.search.services.result_fields import filters_of
from retrieval.search.services.results import SearchResults

PHOTO = "photo.jpg"  # stands for a picture of one's own, whose name is not stored


def curl_command(results: SearchResults, searches_url: str) -> str:
    """Return a call of the API that repeats a search; one that marks refined changes the earlier search instead.

    The variable AUTH holds the header with a token, as in the documents.
    """
    search = results.search
    options: dict[str, object] = {
        "datasets": [dataset.pk for dataset in results.datasets],
        "models": [column.model for column in results.columns],
        "k": search.k,
    }
    if search.box:
        options["box"] = search.box
    if search.threshold is not None:
        options["threshold"] = search.threshold
    filters = filters_of(search)
    if any(filters.values()):
        options["filters"] = filters
    if search.more or search.less:
        options |= {"more_like": search.more, "less_like": search.less}
        return _curl(f"{searches_url}{search.root_id or search.pk}/refine/", _as_json(options))
    if not search.exclude_self:
        options["exclude_self"] = False
    if search.query_image_id is None:
        return _curl(searches_url, _as_form(options))
    return _curl(searches_url, _as_json({"image_id": search.query_image_id, **options}))


def _curl(url: str, body: list[str]) -> str:
    return " ".join(["curl", "-H", '"$AUTH"', *body, shlex.quote(url)])


def _as_json(options: dict[str, object]) -> list[str]:
    return ["-H", shlex.quote("Content-Type: application/json"), "-d", shlex.quote(json.dumps(options))]


def _as_form(options: dict[str, object]) -> list[str]:
    """Return the parts of a form: a list is repeated, filters are JSON."""
    fields = [("file", f"@{PHOTO}")]
    for name, value in options.items():
        values = value if isinstance(value, list) else [value]
        fields += [(name, one if isinstance(one, str) else json.dumps(one)) for one in values]
    return [word for name, value in fields for word in ("-F", shlex.quote(f"{name}={value}"))]


def kindred_command(results: SearchResults) -> str:
    """Return the `kindred` command that repeats a search; "" where it has no option for marks or classes."""
    search = results.search
    if search.more or search.less or search.filters.get("classes") or not search.exclude_self:
        return ""
    words = ["kindred", "search", PHOTO if search.query_image_id is None else str(search.query_image_id)]
    for dataset in results.datasets:
        words += ["--dataset", dataset.slug]
    for column in results.columns:
        words += ["--model", str(column.model)]
    words += ["-k", str(search.k)]
    if search.box:
        words += ["--box", *(f"{side:g}" for side in search.box)]
    if search.threshold is not None:
        words += ["--threshold", f"{search.threshold:g}"]
    for split in search.filters.get("splits", ()):
        words += ["--split", split]
    return " ".join(shlex.quote(word) for word in words)
