"""Upload of a folder, picture by picture; it resumes after an interruption, also in another process."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kindred_client import response_types
from kindred_client.api import Api
from kindred_client.errors import Invalid, KindredError, NotFound
from kindred_client.folders import Picture, Progress, ResumeState, in_batches, listing_of, pictures_in, sha256_of
from kindred_client.parallel import in_order
from kindred_client.progress import bar
from kindred_client.resources.uploads import Uploads
from kindred_client.waiting import JobFailed, wait_for

PAGE = 200  # files, each of which the server reads again to tell its hash
Start = Callable[[str], Mapping[str, Any]]
Changed = Callable[[response_types.JobsGet], None]


class FolderSender:
    """Uploads one folder and starts the job that uses it."""

    def __init__(self, api: Api, folder: Path, memory: ResumeState, *, workers: int) -> None:
        self._api = api
        self._uploads = Uploads(api)
        self._folder = folder
        self._memory = memory
        self._workers = workers

    def send(self, start: Start, *, changed: Changed | None = None) -> response_types.JobsGet:
        """Send missing pictures, call `start` with the upload to start its job, and return the finished job.

        A job that an earlier process started is waited for. If the folder was changed since, `changed` is called with
        that job, and unless it raises, the folder is sent again.

        Raises:
            JobFailed: the job failed; the next call starts from the beginning.
        """
        pictures = pictures_in(self._folder)
        listing = listing_of(pictures)
        before = self._started_before(start)
        if before is not None:
            progress, job = before
            if progress.listing == listing:
                return self._finished(job)
            self._outdated(job, changed)
        progress = self._everything_sent(pictures)
        self._memory.keep(Progress(progress.upload, sent=True, listing=listing))
        return self._finished(start(progress.upload))

    def _finished(self, job: Mapping[str, Any]) -> response_types.JobsGet:
        try:
            done = wait_for(self._api, job)
        except JobFailed:
            self._memory.forget()
            raise
        self._memory.forget()
        return done

    def _outdated(self, job: Mapping[str, Any], changed: Changed | None) -> None:
        """Wait for the job of the folder as it was before a change; ignore its failure."""
        try:
            done = self._finished(job)
        except JobFailed:
            return
        if changed is not None:
            changed(done)

    def _started_before(self, start: Start) -> tuple[Progress, Mapping[str, Any]] | None:
        """Return the progress and the job of an earlier process with the same parameters; None without one."""
        progress = self._memory.recall()
        if progress is None or not progress.sent or self._is_there(progress):
            return None  # no job used the upload: check again that it is complete
        try:
            return progress, start(progress.upload)
        except (Invalid, NotFound):
            return None

    def _everything_sent(self, pictures: list[Picture]) -> Progress:
        progress, there = self._begun({picture.path for picture in pictures})
        with bar("sending", len(pictures), "picture", progress=self._api.progress) as line:

            def take(batch: list[Picture]) -> int:
                self._send_missing(progress.upload, batch, there)
                return len(batch)

            for count in in_order(take, in_batches(pictures), workers=self._workers):
                line.update(count)
        return progress

    def _begun(self, paths: set[str]) -> tuple[Progress, dict[str, str]]:
        """Return the upload to fill and the sha256 of what it has, by path; one with anything else is thrown away."""
        progress = self._memory.recall()
        if progress is not None and self._is_there(progress):
            there = {row["path"]: row["sha256"] for row in self._uploads.files(progress.upload, limit=PAGE)}
            if there.keys() <= paths:
                return progress, there
            self._uploads.delete(progress.upload)
        progress = Progress(str(self._uploads.create()["id"]))
        self._memory.keep(progress)
        return progress, {}

    def _is_there(self, progress: Progress) -> bool:
        try:
            self._uploads.get(progress.upload)
        except NotFound:
            return False
        return True

    def _send_missing(self, upload: str, batch: list[Picture], there: Mapping[str, str]) -> None:
        contents = {picture.path: picture.where.read_bytes() for picture in batch}
        marks = {path: sha256_of(content) for path, content in contents.items()}
        missing = {path: content for path, content in contents.items() if there.get(path) != marks[path]}
        if not missing:
            return
        for row in self._uploads.send(upload, missing)["stored"]:
            if row["sha256"] != marks[row["path"]]:
                raise KindredError(f"{row['path']} arrived damaged; send the folder again")
