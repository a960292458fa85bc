"""Losses over the API, for everybody."""

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
from retrieval.experiments.services import choosing
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
    default = NumberField(help_text="As the paper has it.")
    meaning = serializers.CharField()
    letter = serializers.CharField(help_text="Its letter in the formula, LaTeX.")
    range = serializers.CharField()


@extend_schema_serializer(examples=[OpenApiExample("A loss", SOFT_TRIPLE)])
class LossSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(read_only=True, help_text="What experiments call it.")
    title = serializers.CharField(read_only=True)
    family = serializers.CharField(read_only=True)
    paper = serializers.CharField(read_only=True)
    idea = serializers.CharField(read_only=True)
    formula = serializers.CharField(read_only=True, help_text="What is computed here, LaTeX.")
    where = serializers.ListField(child=serializers.CharField(), read_only=True, help_text="Parts of the formula.")
    symbols = serializers.DictField(child=serializers.CharField(), read_only=True, help_text="LaTeX to words.")
    parameters = serializers.DictField(child=ParameterSerializer(), read_only=True)
    equals = serializers.DictField(
        child=serializers.CharField(), read_only=True, help_text="Losses that this one is, and at which setting."
    )
    sampler = serializers.CharField(read_only=True, help_text="How batches are drawn: random or balanced.")
    takes_memory = serializers.BooleanField(read_only=True)


class LossViewSet(VersionedViewSet, GenericViewSet[Run]):
    """Every loss with its family, paper, idea and parameters, and the two rows that are not trained."""

    serializer_class = LossSerializer
    permission_classes = (AllowAny,)
    queryset = Run.objects.none()  # for the schema; losses are no rows
    pagination_class = None
    lookup_field = "name"
    lookup_value_regex = "[a-z0-9_]{1,60}"

    def find(self) -> dict[str, Any]:
        for row in choosing.loss_table():
            if row["name"] == self.kwargs["name"]:
                return row
        raise Http404(f"no loss is named {self.kwargs['name']}")

    def list(self, request: Request) -> Response:
        """List the losses."""
        self.filter_queryset(self.get_queryset())  # nothing narrows it: whoever believes so is told
        return Response(self.get_serializer(choosing.loss_table(), many=True).data)

    @extend_schema(parameters=[OpenApiParameter("name", str, OpenApiParameter.PATH)])
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Explain one loss."""
        return super().retrieve(request, *args, **kwargs)
