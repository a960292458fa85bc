"""Files on their way here: their folder, and the table of uploads."""

import uuid
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import models

from storage.store import FILLED, place_of

KEPT = timedelta(days=7)  # since something was added


UPLOADS = "uploads"
"""The key below which all uploads are stored."""


def uploads() -> Path:
    """Return the place of all uploads on this host; it may not exist yet."""
    return place_of(UPLOADS)


class Upload(models.Model):
    """A folder of pictures that is filled file by file, or of one archive, until a job takes it and this row goes.

    The files are in the folder and have no rows. `files` and `bytes` count those that are in place.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now_add=True, db_index=True)
    files = models.PositiveIntegerField(default=0)
    bytes = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"upload {self.pk}"

    @property
    def storage_key(self) -> str:
        """The key of its folder; a job that took it finds it there, too."""
        return f"{FILLED}{self.pk}"

    @property
    def folder(self) -> Path:
        """Its place on this host; `upload_files.fresh_folder` has the files that other hosts received, too."""
        return place_of(self.storage_key)

    @property
    def expires_at(self) -> datetime:
        """When it goes, if nothing is added and no job takes it."""
        return self.changed_at + KEPT
