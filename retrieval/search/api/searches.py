"""Searches over the API."""

from functools import cached_property
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.viewsets import GenericViewSet

from accounts.permissions import signed_in
from config.api.parsers import JSONParser
from config.api.schema import may_answer
from config.api.views import KEY, VersionedViewSet
from config.api.views import UUID as UUID_PATTERN
from config.errors import Rejected
from retrieval.models import Search
from retrieval.search.api.batches import (
    BatchAnswerSerializer,
    BatchSerializer,
    FilesBatchSerializer,
    outcomes_of,
    problem_of,
)
from retrieval.search.api.predictions import VerdictsSerializer, verdicts_of
from retrieval.search.api.refining import RefineSerializer, refine
from retrieval.search.explanation_serializers import WhySerializer, told
from retrieval.search.filters import SearchFilter
from retrieval.search.result_serializers import NameSerializer, SearchSerializer
from retrieval.search.serializers import NewSearchSerializer, asked_with
from retrieval.search.services import access, explanations, history, results, run_search, sharing
from retrieval.search.services.url_fetch import fetch_picture

RANKING = OpenApiParameter("ranking", int, OpenApiParameter.PATH, description="Of one model, see the answers.")
IMAGE = OpenApiParameter("image", int, OpenApiParameter.PATH, description="One of its answers.")


class SearchViewSet(
    VersionedViewSet,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.DestroyModelMixin,
    GenericViewSet[Search],
):
    """One's own searches."""

    serializer_class = SearchSerializer
    filterset_class = SearchFilter
    queryset = Search.objects.none()  # for the schema; each request gets its own
    unversioned = frozenset({"refine"})  # it asks anew, which takes its time
    parser_classes = (JSONParser, MultiPartParser)
    lookup_value_regex = UUID_PATTERN

    def get_queryset(self) -> QuerySet[Search]:
        return access.visible_searches(self.request.user)

    @cached_property
    def columns(self) -> dict[UUID, list[dict[str, Any]]]:
        """The answers that this request has shown already: a search's are the same in its body and in its ETag."""
        return {}

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "columns": self.columns}

    def get_serializer(self, *args: Any, many: bool = False, **kwargs: Any) -> Any:
        """Return the serializer; that of several searches has all their answers at once."""
        if not many:
            return super().get_serializer(*args, **kwargs)
        serializer = super().get_serializer(*args, many=True, **kwargs)
        if args and "results" in serializer.child.fields:
            self.columns.update(results.answers_of_all(args[0], self.request.user))
        return serializer

    @extend_schema(request=NewSearchSerializer, responses={201: SearchSerializer})
    @may_answer(409, 503)
    def create(self, request: Request) -> Response:
        """Ask for the pictures most like one."""
        form = NewSearchSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        values = form.validated_data
        asked = asked_with(values, signed_in(request))
        asked |= {"image": values["image_id"], "upload": _upload(values)}
        return self._made(run_search.ask(**asked))

    def _made(self, search: Search) -> Response:
        where = reverse("api-search-detail", args=[search.pk], request=self.request)
        return self.shown(search, status.HTTP_201_CREATED, {"Location": where})

    @extend_schema(
        request={"application/json": BatchSerializer, "multipart/form-data": FilesBatchSerializer},
        responses={200: BatchAnswerSerializer},
    )
    @action(detail=False, methods=["post"], filterset_class=None)
    def batch(self, request: Request) -> Response:
        """Ask with 1 to 50 pictures; one that is refused leaves the others.

        The searches, or their problems, come in the order of the pictures. Where the engine is busy, the batch
        waits up to 10 seconds for its turn; what is left then has a problem of type busy, to be asked again. So has
        what could not be fetched from the web in the time for all image_urls, twice that for one (20 seconds,
        unless this site is set up otherwise).
        """
        context = self.get_serializer_context()
        outcomes = list(outcomes_of(request, context))
        searches = [outcome for outcome in outcomes if isinstance(outcome, Search)]
        shown = iter(self.get_serializer(searches, many=True).data)
        problems = self.get_exception_handler_context()
        results = [
            {"search": next(shown)} if isinstance(outcome, Search) else {"problem": problem_of(outcome, problems)}
            for outcome in outcomes
        ]
        return Response({"results": results})

    @extend_schema(request=NameSerializer, responses={200: SearchSerializer})
    def partial_update(self, request: Request, pk: str) -> Response:
        """Save it under a name, or save it no more: ""."""
        form = NameSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        search, name = self.get_object(), form.validated_data["name"]
        try:
            history.save_search(search, name) if name else history.unsave_search(search)
        except Rejected as refusal:
            raise ValidationError({"name": str(refusal)}) from refusal
        return self.shown(search)

    def perform_destroy(self, instance: Search) -> None:
        access.delete_search(instance)

    @extend_schema(request=RefineSerializer, responses={201: SearchSerializer})
    @may_answer(409, 503)
    @action(detail=True, methods=["post"], parser_classes=(JSONParser,))
    def refine(self, request: Request, pk: str) -> Response:
        """Ask again with the same picture, on other terms; the answers are a search of their own."""
        search = self.get_object()
        form = RefineSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        return self._made(refine(search, form.validated_data, signed_in(request)))

    @extend_schema(responses={200: VerdictsSerializer})
    @action(detail=True)
    def verdict(self, request: Request, pk: str) -> Response:
        """Say what the neighbours vote that it is."""
        return Response(verdicts_of(self.get_object(), request.user))

    @extend_schema(operation_id="searches_why", responses={200: WhySerializer}, parameters=[RANKING, IMAGE])
    @may_answer(400, 503)
    @action(detail=True, url_path=f"why/(?P<ranking>{KEY})/(?P<image>{KEY})")
    def why(self, request: Request, pk: str, ranking: str, image: str) -> Response:
        """Say which places of the two pictures made their similarity."""
        found = explanations.why(self.get_object(), int(ranking), int(image), request.user)
        if found is None:
            raise NotFound("that search has no such answer")
        return Response(told(found))

    @extend_schema(request=None, responses={200: SearchSerializer})
    @action(detail=True, methods=["post"])
    def share(self, request: Request, pk: str) -> Response:
        """Make a link by which anybody may see it; sharing anew makes another link."""
        return self._shared(True)

    @extend_schema(request=None, responses={200: SearchSerializer})
    @share.mapping.delete
    def unshare(self, request: Request, pk: str) -> Response:
        """Revoke the link."""
        return self._shared(False)

    def _shared(self, shared: bool) -> Response:
        search = self.get_object()
        sharing.set_shared(search, shared)
        return self.shown(search)


def _upload(values: dict[str, Any]) -> bytes | None:
    """Return the bytes of a file, or of what lies at a web address."""
    if values["image_url"] is not None:
        try:
            return fetch_picture(values["image_url"])
        except Rejected as refusal:
            raise ValidationError({"image_url": str(refusal)}) from refusal
    file = values["file"]
    return None if file is None else bytes(file.read())
