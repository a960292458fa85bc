"""What systems leave among pictures is left out and counted."""

import pytest

from mlcore.datasets.system_files import SystemFiles, is_system_file

SYSTEM = (
    "a/@eaDir/1.jpg/SYNOPHOTO_THUMB_M.jpg", "#recycle/old.jpg", "#snapshot/x/1.jpg", "a/.@__thumb/s1.jpg",
    "@Recycle/1.jpg", "@Recently-Snapshot/1.jpg", "lost+found/1.jpg", "$RECYCLE.BIN/S-1/1.jpg",
    "System Volume Information/1.jpg", ".Trashes/501/1.jpg", ".Trash-1000/files/1.jpg", "__MACOSX/a/._1.jpg",
    "a/._1.jpg", "a/Thumbs.db", "a/THUMBS.DB", "a/desktop.ini", "a/.DS_Store", "Previews.lrdata/0/1.jpg",
    "a/.thumbnails/1.jpg", "a/.picasaoriginals/1.jpg", "a/1.jpg@SynoEAStream", ".ipynb_checkpoints/1.jpg",
)  # fmt: skip


@pytest.mark.parametrize("path", SYSTEM)
def test_thumbnails_bins_and_settings_are_a_systems(path: str) -> None:
    assert is_system_file(path)


@pytest.mark.parametrize("path", ["recycle/1.jpg", "a/@home/1.jpg", "thumbs/1.jpg", "#1/1.jpg", "lrdata/1.jpg"])
def test_names_that_only_look_alike_are_classes(path: str) -> None:
    assert not is_system_file(path)


def test_counts_are_named_from_the_largest_and_the_rest_is_summed() -> None:
    system = SystemFiles()
    assert all(map(system.counts_in, [*SYSTEM, *SYSTEM[:1] * 9]))
    (remark,) = system.remarks()
    assert remark.startswith(f"{len(SYSTEM) + 9} files") and "10 of @eaDir, 2 of .Trash" in remark and " more" in remark


def test_without_any_there_is_no_remark() -> None:
    system = SystemFiles()
    assert not system.counts_in("a/1.jpg")
    assert system.remarks() == ()
