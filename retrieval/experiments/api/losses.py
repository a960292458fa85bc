"""API of losses, for everybody."""

from typing import Any

from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    extend_schema,
    extend_schema_field,
    extend_schema_serializer,
)
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from config.api.views import VersionedViewSet
from retrieval.experiments.services import options
from retrieval.experiments.services.options import LossInfo
from retrieval.models import Run

PARAMETER = {"default": 0.1, "meaning": "softness of the choice among centres", "letter": "\\gamma", "range": "above 0"}
SOFT_TRIPLE = {
    "name": "soft_triple",
    "title": "SoftTriple",
    "family": "proxies",
    "paper": "Qian et al., SoftTriple Loss: Deep Metric Learning Without Triplet Sampling, ICCV 2019",
    "idea": "Every class owns several centres; a picture is drawn to its class by way of the nearest ones.",
    "formula": "\\mathcal{L} = -\\log \\frac{e^{\\lambda S_{y}}}{\\sum_{c} e^{\\lambda S_{c}}}",
    "where": ["S_{c} = \\sum_{k} x^\\top w_{c,k}"],
    "symbols": {"x": "the embedding of a picture, scaled to length 1"},
    "parameters": {"gamma": PARAMETER},
    "equals": {"normalized_softmax": "with one centre, no margin, and a temperature of 1 / scale"},
    "sampler": "random",
    "takes_memory": False,
}


@extend_schema_field(OpenApiTypes.NUMBER)
class NumberField(serializers.ReadOnlyField):
    """A number as it is: whole ones stay whole."""


class ParameterSerializer(serializers.Serializer[Any]):
    # The metaclass takes declared fields away, so this does not hide Field.default.
    default = NumberField(help_text="Default: the paper's value.")
    meaning = serializers.CharField()
    letter = serializers.CharField(help_text="Letter in the formula, LaTeX.")
    range = serializers.CharField()


@extend_schema_serializer(examples=[OpenApiExample("A loss", SOFT_TRIPLE)])
class LossSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(read_only=True, help_text="Name in experiments.")
    title = serializers.CharField(read_only=True)
    family = serializers.CharField(read_only=True)
    paper = serializers.CharField(read_only=True)
    idea = serializers.CharField(read_only=True)
    formula = serializers.CharField(read_only=True, help_text="Formula as computed here, LaTeX.")
    where = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="Definitions of parts of the formula, LaTeX."
    )
    symbols = serializers.DictField(
        child=serializers.CharField(), read_only=True, help_text="Meaning of each symbol, by its LaTeX."
    )
    parameters = serializers.DictField(child=ParameterSerializer(), read_only=True)
    equals = serializers.DictField(
        child=serializers.CharField(),
        read_only=True,
        help_text="Equivalent losses, with the settings at which they are equal.",
    )
    sampler = serializers.CharField(read_only=True, help_text="Sampler of batches: random or balanced.")
    takes_memory = serializers.BooleanField(read_only=True)


class LossViewSet(VersionedViewSet, GenericViewSet[Run]):
    """All losses with family, paper, idea and parameters, and the two untrained baselines."""

    serializer_class = LossSerializer
    permission_classes = (AllowAny,)
    queryset = Run.objects.none()  # for the schema; losses are no rows
    pagination_class = None
    lookup_field = "name"
    lookup_value_regex = "[a-z0-9_]{1,60}"

    def find(self) -> LossInfo:
        for row in options.loss_table():
            if row["name"] == self.kwargs["name"]:
                return row
        raise Http404(f"no loss is named {self.kwargs['name']}")

    def list(self, request: Request) -> Response:
        """List the losses."""
        self.filter_queryset(self.get_queryset())  # there are no filters: an unknown one is an error
        return Response(self.get_serializer(options.loss_table(), many=True).data)

    @extend_schema(parameters=[OpenApiParameter("name", str, OpenApiParameter.PATH)])
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Explain one loss."""
        return super().retrieve(request, *args, **kwargs)
