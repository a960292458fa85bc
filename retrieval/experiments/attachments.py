"""How the files of a report travel, to pages and API alike."""

from django.http import FileResponse, Http404
from django.utils.text import slugify

from retrieval.experiments.services import reports as services
from retrieval.models import Experiment


def report_file(experiment: Experiment, suffix: str) -> FileResponse:
    """Return a file of the newest report as an attachment.

    Raises:
        Http404: there is no report, or not in that format.
    """
    file = services.file_of(experiment, suffix)
    if file is None:
        raise Http404(f"{experiment.name} has no report as {suffix}; make one first")
    name = f"{slugify(experiment.name) or 'report'}.{suffix}"
    content_type = services.FORMATS[suffix]
    return FileResponse(file.open("rb"), as_attachment=True, filename=name, content_type=content_type)
