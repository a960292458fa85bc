"""Static files as they are deployed: collected, compressed, and with the hash of their content in their names."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from whitenoise.storage import CompressedManifestStaticFilesStorage  # type: ignore[import-untyped]

STAMP = ".collected"


class CollectedStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise has no types
    """Modules of ours import each other by hashed names as well. Those of packages import what is not served."""

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
            file = Path(storage.path(path))
            files.append(f"{file} {file.stat().st_size} {file.stat().st_mtime_ns}")
    return hashlib.sha256("\n".join(sorted(files)).encode()).hexdigest()
