"""A file of a report as an HTTP attachment, for pages and API alike."""

from django.http import FileResponse, Http404

from retrieval.experiments.services import reports as services
from retrieval.files import attachment
from retrieval.models import Experiment


def report_file(experiment: Experiment, suffix: str) -> FileResponse:
    """Return a file of the newest report, or its chart, as an attachment.

    Raises:
        Http404: there is no report, or not in that format.
    """
    file = services.file_of(experiment, suffix)
    if file is None:
        raise Http404(f"{experiment.name} has no report as {suffix}; create one first")
    return attachment(file.open("rb"), services.download_name(experiment, suffix), services.FILES[suffix])
