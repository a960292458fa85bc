"""The page that imports an external model, for curators."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from accounts.permissions import curator_required, signed_in
from config.errors import Rejected
from retrieval.registry.forms import ModelForm
from retrieval.registry.services import external_models as services


@curator_required
def new(request: HttpRequest) -> HttpResponse:
    """Show the form that imports a model, or start the import."""
    form = ModelForm(request.POST or None, request.FILES or None, user=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            job = services.submit_model(**form.cleaned_data, by=signed_in(request))
        except Rejected as error:
            form.add_error(None, str(error))
        else:
            return redirect("job", pk=job.pk)
    return render(request, "retrieval/model_form.html", {"form": form}, status=400 if form.errors else 200)
