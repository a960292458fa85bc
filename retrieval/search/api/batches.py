"""Many searches in one request."""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.utils import html

from accounts.permissions import signed_in
from config.api.problems import PROBLEMS, ProblemFormatter, answered
from config.api.strict import StrictSerializer
from config.errors import Rejected
from retrieval.models import Search
from retrieval.search.result_serializers import SEARCH, SearchSerializer
from retrieval.search.serializers import NEW_SEARCH, LinkedSearchSerializer, OptionsSerializer, check_size, request_of
from retrieval.search.services import batches, run_search
from retrieval.search.services.batches import MOST_SEARCHES, PATIENCE, TOGETHER
from retrieval.search.services.turns import turns
from retrieval.search.services.url_fetch import FetchedTooLate, fetch_picture

FETCHES = 2
"""Multiple of FETCH_SECONDS for which a whole batch fetches from the web; the rest gets the problem busy."""

PROBLEM = {
    "type": "/api/problems/invalid",
    "title": PROBLEMS["invalid"].title,
    "status": 400,
    "detail": "image_id: there is no picture 9",
    "errors": [{"field": "image_id", "code": "invalid", "detail": "there is no picture 9"}],
}
Outcome = Search | Exception


class SearchesField(serializers.ListField):
    """Bodies, each of which is validated by itself: one that is wrong leaves the others."""


class SearchesFieldDescription(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """Describe the searches of a batch; anything else is accepted too and gets a problem in its place."""

    target_class = SearchesField

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        """Return the schema."""
        right = auto_schema.resolve_serializer(LinkedSearchSerializer, direction).ref
        anything = {"description": "Anything else gets a problem in its place."}
        return {"type": "array", "minItems": 1, "maxItems": MOST_SEARCHES, "items": {"anyOf": [right, anything]}}


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Two pictures", {"searches": [NEW_SEARCH, {"datasets": [1], "image_url": "https://example.org/owl.jpg"}]}
        )
    ]
)
class BatchSerializer(StrictSerializer):
    """Searches with pictures of data sets or from the web."""

    searches = SearchesField(min_length=1, max_length=MOST_SEARCHES)


@extend_schema_serializer(examples=[OpenApiExample("Two files", {"files": ["owl.jpg", "hawk.jpg"], "datasets": [1]})])
class FilesBatchSerializer(OptionsSerializer):
    """Files that are all searched with the same options."""

    files = serializers.ListField(
        child=serializers.FileField(allow_empty_file=True), min_length=1, max_length=MOST_SEARCHES
    )


class OutcomeSerializer(serializers.Serializer[Any]):
    """Either a search or the problem it met."""

    search = SearchSerializer(required=False)
    problem = serializers.SerializerMethodField(required=False)

    @extend_schema_field({"$ref": "#/components/schemas/Problem"})
    def get_problem(self, outcome: Any) -> Any:
        return outcome.get("problem")


@extend_schema_serializer(
    examples=[OpenApiExample("One found, one refused", {"results": [{"search": SEARCH}, {"problem": PROBLEM}]})]
)
class BatchResultSerializer(serializers.Serializer[Any]):
    results = OutcomeSerializer(many=True)


def outcomes_of(request: Request, context: Mapping[str, Any]) -> Iterator[Outcome]:
    """Run every search of a batch; yield each search, or why it was refused, in order.

    Raises:
        ValidationError: it is no batch, or the options of all its files are wrong.
    """
    read = _files if html.is_html_input(request.data) else _bodies
    until = time.monotonic() + PATIENCE
    for wanted in read(request, context):
        requests = [one for one in wanted if isinstance(one, dict)]
        outcomes = iter(batches.run_all(requests, max(0, until - time.monotonic())))
        yield from (next(outcomes) if isinstance(one, dict) else one for one in wanted)


Reading = Iterator[list[run_search.SearchRequest | Exception]]


def _files(request: Request, context: Mapping[str, Any]) -> Reading:
    form = FilesBatchSerializer(data=request.data, context=context)
    form.is_valid(raise_exception=True)
    wanted = request_of(form.validated_data, signed_in(request))
    for files in _parts(form.validated_data["files"]):
        yield [_with_file(wanted, file) for file in files]


def _with_file(wanted: run_search.SearchRequest, file: Any) -> run_search.SearchRequest | Exception:
    try:
        check_size(file)
    except ValidationError as error:
        return ValidationError({"files": error.detail})
    return {**wanted, "upload": file.read()}


def _bodies(request: Request, context: Mapping[str, Any]) -> Reading:
    form = BatchSerializer(data=request.data)
    form.is_valid(raise_exception=True)
    left = FETCHES * settings.FETCH_SECONDS
    for bodies in _parts(form.validated_data["searches"]):
        forms = [LinkedSearchSerializer(data=body, context=context) for body in bodies]
        urls = [form.validated_data["image_url"] if form.is_valid() else None for form in forms]
        until = time.monotonic() + left
        with turns.left(), ThreadPoolExecutor(TOGETHER) as pool:  # this thread has the turn, not those of the pool
            uploads = list(pool.map(partial(_fetched, until=until), urls))
        left = until - time.monotonic()  # the models' time does not count
        yield [_request_of(form, upload, request) for form, upload in zip(forms, uploads, strict=True)]


def _request_of(
    form: LinkedSearchSerializer, upload: bytes | Rejected | FetchedTooLate | None, request: Request
) -> run_search.SearchRequest | Exception:
    if form.errors:
        return ValidationError(form.errors)
    if isinstance(upload, Rejected):
        return ValidationError({"image_url": str(upload)})
    if isinstance(upload, FetchedTooLate):
        return upload
    try:
        wanted = request_of(form.validated_data, signed_in(request))
    except Rejected as refusal:
        return refusal
    return {**wanted, "image": form.validated_data["image_id"], "upload": upload}


def _fetched(url: str | None, until: float) -> bytes | Rejected | FetchedTooLate | None:
    try:
        return None if url is None else fetch_picture(url, until)
    except (Rejected, FetchedTooLate) as refusal:
        return refusal


def _parts(things: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(things), TOGETHER):
        yield things[start : start + TOGETHER]


def problem_of(outcome: Exception, context: Any) -> dict[str, Any]:
    """Return the problem that a request with this search alone would have got."""
    problem: Any = answered(outcome)
    return dict(ProblemFormatter(problem, context, outcome).run())
