"""A file of a model as an HTTP attachment, for pages and API alike."""

from django.http import FileResponse, Http404

from retrieval.files import attachment
from retrieval.models import Model
from retrieval.registry.services import model_files


def model_attachment(model: Model, part: str) -> FileResponse:
    """Return a file of a model, by its name in `model_files.PARTS`, as an attachment.

    Raises:
        Http404: it has none of that name.
    """
    file = model_files.model_file(model, part)
    try:
        opened = file.open("rb") if file else None
    except OSError:  # deleted meanwhile
        opened = None
    if file is None or opened is None:
        raise Http404(f"{model.name} has no {part}")
    return attachment(opened, model_files.download_name(model, file.name))
