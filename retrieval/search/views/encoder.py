"""What an encoder answers: embeddings and explanations of squares that other hosts of the site have prepared."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET, require_POST

from retrieval.models import Model
from retrieval.registry.services import engines
from retrieval.search.services import encoder_service

View = Callable[[HttpRequest], HttpResponse]


def _errors_as_json(view: View) -> View:
    """Answer what the other host is to raise: 503 where a later try may succeed, else 422."""

    def answered(request: HttpRequest) -> HttpResponse:
        try:
            return view(request)
        except encoder_service.TOLD as error:
            told = encoder_service.as_json(error)
            return JsonResponse(told, status=503 if told["retry_after"] else 422)
        except ValueError as error:  # of a number in the query
            return JsonResponse({"error": "", "message": str(error)}, status=400)

    return answered


@require_POST
@_errors_as_json
def embed(request: HttpRequest) -> HttpResponse:
    """Answer the embeddings of the squares in the body, as safetensors, by the key of each model in the query."""
    keys = [int(key) for key in request.GET.getlist("model")]
    vectors = encoder_service.embed_squares(keys, request.body, float(request.GET.get("patience", 0)))
    return HttpResponse(vectors, content_type="application/octet-stream")


@require_POST
@_errors_as_json
def explain(request: HttpRequest) -> HttpResponse:
    """Answer what each cell of the two squares in the body brings to their similarity, by the model in the query."""
    return JsonResponse(encoder_service.explain_squares(int(request.GET.get("model", "")), request.body))


@require_GET
def model(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer which engine embeds with a model."""
    row = Model.objects.filter(pk=pk).first()
    if row is None:
        return JsonResponse({"error": "", "message": f"model {pk} is gone"}, status=404)
    return JsonResponse({"why_pytorch": engines.why_pytorch(row)})


@require_GET
def known(request: HttpRequest) -> HttpResponse:
    """Answer a host of this site; others get 401 before they come here."""
    return JsonResponse({})
