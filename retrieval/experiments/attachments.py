"""Files of a report as HTTP attachments, for pages and API alike."""

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


def report_drawing(experiment: Experiment, name: str) -> FileResponse:
    """Return a drawing of the newest report; a page shows it as a picture, and a browser keeps it as a file.

    Raises:
        Http404: there is no report, or it has no such drawing.
    """
    file = services.drawing_of(experiment, name)
    if file is None:
        raise Http404(f"{experiment.name} has no report with a drawing {name}; create it again")
    response = attachment(file.open("rb"), f"{name}.svg", services.CHARTS["svg"])
    response["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"  # it has own styles
    return response
