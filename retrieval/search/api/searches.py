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
    BatchResultSerializer,
    BatchSerializer,
    FilesBatchSerializer,
    outcomes_of,
    problem_of,
)
from retrieval.search.api.predictions import PredictionsSerializer
from retrieval.search.api.refining import RefineSerializer, refine
from retrieval.search.explanation_serializers import ExplanationSerializer
from retrieval.search.filters import SearchFilter
from retrieval.search.result_serializers import NameSerializer, SearchSerializer
from retrieval.search.serializers import NewSearchSerializer, request_of
from retrieval.search.services import access, history, run_search, sharing
from retrieval.search.services.explanations import explain_result
from retrieval.search.services.results import SearchResults, results_of, results_of_all, results_of_rankings
from retrieval.search.services.turns import in_turn, turns
from retrieval.search.services.url_fetch import fetch_picture

RANKING = OpenApiParameter("ranking", int, OpenApiParameter.PATH, description="Ranking that a result names.")
IMAGE = OpenApiParameter("image", int, OpenApiParameter.PATH, description="Image that the result names.")


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
    unversioned = frozenset({"refine"})  # it searches again, which takes its time
    parser_classes = (JSONParser, MultiPartParser)
    lookup_value_regex = UUID_PATTERN

    def get_queryset(self) -> QuerySet[Search]:
        return access.visible_searches(self.request.user)

    dispatch = in_turn(VersionedViewSet.dispatch)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authorise the request; the pictures of a batch arrive meanwhile, as slowly as they are sent."""
        if self.action != "batch":
            super().initial(request, *args, **kwargs)
            return
        with turns.left():
            super().initial(request, *args, **kwargs)  # in a session it reads the body, for the CSRF token
            _ = request.data

    @cached_property
    def results(self) -> dict[UUID, SearchResults]:
        """The results that this request has shown already: a search's are the same in its body and in its ETag."""
        return {}

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "results": self.results}

    def get_serializer(self, *args: Any, many: bool = False, **kwargs: Any) -> Any:
        """Return the serializer; that of several searches has all their results at once."""
        if not many:
            return super().get_serializer(*args, **kwargs)
        serializer = super().get_serializer(*args, many=True, **kwargs)
        if args and "columns" in serializer.child.fields:
            self.results.update(results_of_all(args[0], self.request.user))
        return serializer

    @extend_schema(request=NewSearchSerializer, responses={201: SearchSerializer})
    @may_answer(409, 503)
    def create(self, request: Request) -> Response:
        """Search for the pictures most similar to one."""
        form = NewSearchSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        values = form.validated_data
        wanted = request_of(values, signed_in(request))
        wanted |= {"image": values["image_id"], "upload": _upload(values)}
        return self._created(run_search.run_and_store(**wanted))

    def _created(self, stored: run_search.StoredSearch) -> Response:
        search, viewer = stored.search, self.request.user
        self.results[search.pk] = results_of_rankings(search, stored.datasets, stored.rankings, viewer)
        url = reverse("api-search-detail", args=[search.pk], request=self.request)
        return self.shown(search, status.HTTP_201_CREATED, {"Location": url})

    @extend_schema(
        request={"application/json": BatchSerializer, "multipart/form-data": FilesBatchSerializer},
        responses={200: BatchResultSerializer},
    )
    @action(detail=False, methods=["post"], filterset_class=None)
    def batch(self, request: Request) -> Response:
        """Search with 1 to 50 pictures; one that is refused leaves the others.

        The searches, or their problems, come in the order of the pictures. A busy server makes the batch wait up to 10
        seconds; searches that are left then have a problem of type busy and can be sent again. The same holds for
        pictures that could not be fetched in the time for all image_urls: twice that for one, 20 seconds by default.
        """
        context = self.get_serializer_context()
        outcomes = list(outcomes_of(request, context))
        searches = [outcome for outcome in outcomes if isinstance(outcome, Search)]
        shown = iter(self.get_serializer(searches, many=True).data)
        problems = self.get_exception_handler_context()
        rows = [
            {"search": next(shown)} if isinstance(outcome, Search) else {"problem": problem_of(outcome, problems)}
            for outcome in outcomes
        ]
        return Response({"results": rows})

    @extend_schema(request=NameSerializer, responses={200: SearchSerializer})
    def partial_update(self, request: Request, pk: str) -> Response:
        """Save a search under a name; "" removes it from saved."""
        form = NameSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        search, name = self.get_object(), form.validated_data["name"]
        try:
            history.save_search(search, name) if name else history.unsave_search(search)
        except Rejected as refusal:
            raise ValidationError({"name": str(refusal)}) from refusal
        return self.shown(search)

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Delete a search: a first search with its refinements and its picture. It can be restored for a minute."""
        return super().destroy(request, *args, **kwargs)

    def perform_destroy(self, instance: Search) -> None:
        access.delete_search(instance)

    @extend_schema(request=None, responses={200: SearchSerializer})
    @action(detail=True, methods=["post"])
    def restore(self, request: Request, pk: str) -> Response:
        """Restore a search within a minute after its deletion, with the refinements deleted with it.

        Its marks, its name and its link are as before. A search that was not deleted stays as it is.
        """
        deleted = access.deleted_searches(request.user).filter(pk=pk).first()
        if deleted is not None:
            access.restore_search(deleted)
        return self.shown(self.get_object())

    @extend_schema(request=RefineSerializer, responses={201: SearchSerializer})
    @may_answer(409, 503)
    @action(detail=True, methods=["post"], parser_classes=(JSONParser,))
    def refine(self, request: Request, pk: str) -> Response:
        """Search again with the same picture and other options; the result is a new search."""
        search = self.get_object()
        form = RefineSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        return self._created(refine(search, form.validated_data, signed_in(request)))

    @extend_schema(responses={200: PredictionsSerializer})
    @action(detail=True)
    def prediction(self, request: Request, pk: str) -> Response:
        """Return the class that each model's nearest neighbours predict."""
        results = results_of(self.get_object(), request.user, with_predictions=True)
        return Response(PredictionsSerializer(results).data)

    @extend_schema(
        operation_id="searches_explanation", responses={200: ExplanationSerializer}, parameters=[RANKING, IMAGE]
    )
    @may_answer(400, 503)
    @action(detail=True, url_path=f"explanation/(?P<ranking>{KEY})/(?P<image>{KEY})")
    def explanation(self, request: Request, pk: str, ranking: str, image: str) -> Response:
        """Return which cells of the two pictures contribute to their similarity."""
        explanation = explain_result(self.get_object(), int(ranking), int(image), request.user)
        if explanation is None:
            raise NotFound("that search has no such result")
        return Response(ExplanationSerializer(explanation).data)

    @extend_schema(request=None, responses={200: SearchSerializer})
    @action(detail=True, methods=["post"])
    def share(self, request: Request, pk: str) -> Response:
        """Create a link with which anybody can see the search; sharing again replaces the link."""
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
    """Return the bytes of a file, or of the picture at a URL; None for an image of a data set."""
    if values["image_url"] is not None:
        try:
            return fetch_picture(values["image_url"])
        except Rejected as refusal:
            raise ValidationError({"image_url": str(refusal)}) from refusal
    file = values["file"]
    return None if file is None else bytes(file.read())
