"""Rules about uploads: folders of pictures that are filled file by file, and then taken by a job."""

from retrieval.uploading.services.files import StoredFile, check_not_empty, files_of, store_files
from retrieval.uploading.services.paths import checked_path
from retrieval.uploading.services.uploads import (
    begin_upload,
    delete_upload,
    sweep,
    take_upload,
    used_uploads,
    visible_uploads,
)

__all__ = [
    "StoredFile",
    "begin_upload",
    "check_not_empty",
    "checked_path",
    "delete_upload",
    "files_of",
    "store_files",
    "sweep",
    "take_upload",
    "used_uploads",
    "visible_uploads",
]
