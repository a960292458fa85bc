"""Static files as they are deployed: collected, compressed, and with the hash of their content in their names."""

import hashlib
import os
import subprocess
import sys

from django.conf import settings
from django.contrib.staticfiles import finders
from whitenoise.storage import CompressedManifestStaticFilesStorage

STAMP = ".collected"


class CollectedStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise has no types here
    """Also modules of ours that import each other do so by hashed names; those of packages import what is not served."""

    patterns = (
        *CompressedManifestStaticFilesStorage.patterns,
        ("kindred/*.js", CompressedManifestStaticFilesStorage._js_module_import_aggregation_patterns[1]),
    )


def collect_if_changed() -> None:
    """Collect the static files, in seconds, unless those of the last time are still the same."""
    stamp = settings.STATIC_ROOT / STAMP
    sources = _hash_of_sources()
    if stamp.exists() and stamp.read_text() == sources:
        return
    command = [sys.executable, "manage.py", "collectstatic", "--noinput", "--clear", "--verbosity", "0"]
    environment = {**os.environ, "KINDRED_COLLECTED_STATIC": "true"}
    subprocess.run(command, cwd=settings.BASE_DIR, env=environment, check=True)
    stamp.write_text(sources)


def _hash_of_sources() -> str:
    """Return a hash of the paths, sizes and times of all files that would be collected."""
    files = []
    for finder in finders.get_finders():
        for path, storage in finder.list([]):
            stat = os.stat(storage.path(path))
            files.append(f"{storage.path(path)} {stat.st_size} {stat.st_mtime_ns}")
    return hashlib.sha256("\n".join(sorted(files)).encode()).hexdigest()
