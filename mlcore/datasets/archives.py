"""Files of a directory or an archive, read by name; archives are checked before anything is read."""

import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from mlcore.datasets.archive_formats import ARCHIVES_READ, refuse_unread_format
from mlcore.datasets.compressed_streams import compression_of
from mlcore.datasets.filetree import DAMAGE, LIMITS, ArchiveLimits, FileTree
from mlcore.datasets.folder_tree import folder_tree
from mlcore.datasets.tars import is_tar, tar_tree, unpacked_tree
from mlcore.datasets.zips import zip_tree
from mlcore.errors import DatasetError
from mlcore.events import Progress, no_progress


@contextmanager
def open_tree(where: Path, *, limits: ArchiveLimits = LIMITS, progress: Progress = no_progress) -> Iterator[FileTree]:
    """Yield the files of a directory or an archive of `archive_formats.ARCHIVES_READ`.

    A compressed tar cannot be read by name, so its checked members are first unpacked into a
    temporary folder, under numbers instead of their own names.

    Raises:
        DatasetError: nothing is there, it is none of these, or it is unsafe.
    """
    with ExitStack() as stack:
        # The yield stays outside: what the caller raises is not a fault of the archive.
        with _faults_named(where):
            tree = folder_tree(where) if where.is_dir() else _archive_tree(stack, where, limits, progress)
        yield tree


def _archive_tree(stack: ExitStack, where: Path, limits: ArchiveLimits, progress: Progress) -> FileTree:
    refuse_unread_format(where)
    compression = compression_of(where)
    if compression:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="kindred-unpack-"))
        return unpacked_tree(where, compression, Path(folder), limits, progress)
    # A tar that ends with a zip has the end of one too.
    if not is_tar(where) and zipfile.is_zipfile(where):
        return zip_tree(stack.enter_context(zipfile.ZipFile(where)), where, limits)
    return tar_tree(stack, where, limits)


@contextmanager
def _faults_named(where: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise DatasetError(f"there is no directory or archive named {where.name}") from None
    except DAMAGE as error:
        raise DatasetError(f"{where.name} cannot be read as a directory, {ARCHIVES_READ}: {error}") from error
