"""Adding an upload to a data set, with a class per folder; `adding` runs the job."""

from django.db import transaction

from accounts import audit
from accounts.models import User
from config.errors import Rejected
from jobs.models import Job
from mlcore.datasets import open_source
from mlcore.errors import DatasetError
from retrieval.datasets.services.adding import label_of_folder, labels_by_folder
from retrieval.datasets.services.changes import submit_change
from retrieval.datasets.services.classes import SPLITS, fit_name, needs_split
from retrieval.datasets.services.upload_files import check_not_empty, fresh_folder
from retrieval.datasets.services.upload_paths import archive_in
from retrieval.datasets.services.uploads import take_upload
from retrieval.models import Dataset, Upload


def submit_folder(dataset: Dataset, upload: Upload, split: str = "", *, by: User | None) -> Job:
    """Queue the adding of an upload; its new classes get `split`, "train" or "test".

    Raises:
        Rejected: it holds an archive, no picture is in a class folder, a class is new and there is no split, or
            another job is changing the data set.
    """
    check_not_empty(upload)
    if archive_in(fresh_folder(upload)):
        raise Rejected("the upload holds an archive; import it as a data set, or send its pictures", field="upload")
    if dataset.labelled:
        _check_classes(dataset, upload, split)
    with transaction.atomic():
        payload = {"upload": upload.folder.name, "name": "", "split": split}
        job = submit_change("add-pictures", dataset, payload, by=by)
        take_upload(upload)
        audit.record(by, "add-pictures", dataset.name, files=upload.files, into="classes by their folders")
        return job


def _check_classes(dataset: Dataset, upload: Upload, split: str) -> None:
    by_name = labels_by_folder(dataset)
    for name in _class_names(upload):
        if label_of_folder(by_name, name) is not None:
            continue
        if split not in SPLITS:
            raise needs_split(name)
        fit_name(name)


def _class_names(upload: Upload) -> tuple[str, ...]:
    try:
        with open_source(fresh_folder(upload), classes=True) as source:
            return source.classes
    except DatasetError as error:
        raise Rejected(str(error), field="upload") from error
