"""Downloads of ratings and marks."""

import io

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.roles import Visitor
from ratings.services import exports
from retrieval.datasets.services.visibility import visible_datasets
from retrieval.files import attachment
from retrieval.models import Dataset


@login_required
@never_cache
@require_safe
def ratings_file(request: HttpRequest, slug: str, part: str) -> HttpResponseBase:
    """Give the ratings and marks of a data set's models, with pseudonyms."""
    return ratings_attachment(request.user, get_object_or_404(visible_datasets(request.user), slug=slug), part)


def ratings_attachment(user: Visitor, dataset: Dataset, part: str) -> HttpResponseBase:
    """Return one of EXPORTS as a file.

    Raises:
        Http404: `part` is none of them.
    """
    if part not in exports.EXPORTS:
        raise Http404(f"no export named {part}; use one of {', '.join(exports.EXPORTS)}")
    content = exports.export_of(user, dataset, part)
    return attachment(io.BytesIO(content), exports.export_name(dataset, part), exports.EXPORTS[part].content_type)
