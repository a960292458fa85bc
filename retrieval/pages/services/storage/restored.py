"""Repairs after a restore: catalogues that are newer than their rows, and upload folders that were empty."""

from config.errors import Rejected
from retrieval.datasets.services.catalogue import fresh_catalogue
from retrieval.models import Dataset, Upload


def settle_restored_files() -> list[str]:
    """Make the catalogues say what the rows say, and the folders of begun uploads; return what could not be done."""
    faults = []
    for dataset in Dataset.objects.filter(revision__gt=0):
        try:
            fresh_catalogue(dataset.pk)
        except (OSError, Rejected) as error:
            faults.append(f"the list of pictures of {dataset.name} cannot be written: {error}")
    for upload in Upload.objects.iterator():
        upload.folder.mkdir(parents=True, exist_ok=True)
    return faults
