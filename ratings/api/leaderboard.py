"""The leaderboard over the API: measured accuracy and blind ratings, as JSON or as a file."""

import io

from django.http import Http404, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.api.filters import check_parameters
from config.api.views import AnyAcceptNegotiation
from ratings.audit_serializers import LeaderboardAuditSerializer
from ratings.leaderboard_serializers import LeaderboardSerializer
from ratings.services import leaderboard_files
from ratings.services.audit_files import audit_document
from ratings.services.audits import audits_of
from ratings.services.leaderboard import Section, sections_for
from ratings.services.leaderboard_rows import measured_rows
from retrieval.files import attachment

NAMES = ("dataset", "protocol")
FILTERS = [
    OpenApiParameter("dataset", str, description="Slug of a data set: its models only."),
    OpenApiParameter(
        "protocol",
        str,
        description="Name of a protocol: its tables only. `external`: models trained elsewhere. `default`: of each "
        "data set the protocol with the most rows, the newest among equals, as the page shows it.",
    ),
]


def _filters(request: Request) -> dict[str, str]:
    check_parameters(request, NAMES)
    return {name: request.query_params.get(name, "") for name in NAMES}


def _sections(request: Request) -> list[Section]:
    return sections_for(request.user, **_filters(request))


class LeaderboardView(APIView):
    """The leaderboard."""

    permission_classes = (AllowAny,)

    @extend_schema(operation_id="leaderboard_retrieve", parameters=FILTERS, responses={200: LeaderboardSerializer})
    def get(self, request: Request) -> Response:
        """List the measured losses, a table per data set and protocol, best MAP@R first."""
        return Response(leaderboard_files.document_of(_sections(request)))


class LeaderboardAuditView(APIView):
    """The audit of the leaderboard's blind ratings."""

    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="leaderboard_audit_retrieve", parameters=FILTERS, responses={200: LeaderboardAuditSerializer}
    )
    def get(self, request: Request) -> Response:
        """Audit the blind ratings of each table; without a protocol of each data set's default one."""
        return Response(audit_document(audits_of(request.user, measured_rows(request.user), **_filters(request))))


class LeaderboardFileView(APIView):
    """The leaderboard as a file."""

    permission_classes = (AllowAny,)
    content_negotiation_class = AnyAcceptNegotiation

    @extend_schema(
        operation_id="leaderboard_file_retrieve",
        parameters=[
            OpenApiParameter("suffix", str, OpenApiParameter.PATH, enum=list(leaderboard_files.CONTENT_TYPES)),
            *FILTERS,
        ],
        responses={
            (200, "text/csv"): OpenApiTypes.STR,
            (200, "application/json"): LeaderboardSerializer,
            (200, "image/png"): OpenApiTypes.BINARY,
            (200, "image/svg+xml"): OpenApiTypes.STR,
        },
    )
    def get(self, request: Request, suffix: str) -> HttpResponseBase:
        """Download the leaderboard as CSV, JSON, PNG or SVG."""
        if suffix not in leaderboard_files.CONTENT_TYPES:
            raise Http404(f"no leaderboard.{suffix}; use one of {', '.join(leaderboard_files.CONTENT_TYPES)}")
        content = io.BytesIO(leaderboard_files.leaderboard_file(_sections(request), suffix))
        return attachment(content, f"leaderboard.{suffix}", leaderboard_files.CONTENT_TYPES[suffix])
