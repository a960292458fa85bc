import os
import time

from jobs import scratch

WEEK = 7 * 24 * 3600


def test_the_newest_folder_is_the_one_of_the_highest_attempt() -> None:
    for attempt in (2, 10, 9):
        scratch.folder_of(1, attempt).mkdir(parents=True)
    scratch.folder_of(11, 3).mkdir()
    assert [folder.name for folder in scratch.left_over(1)] == ["job-1-10", "job-1-9", "job-1-2"]
    scratch.prune(1, keep=1)
    assert sorted(folder.name for folder in scratch.root().iterdir()) == ["job-1-10", "job-11-3"]


def test_only_old_folders_of_jobs_nobody_waits_for_are_removed() -> None:
    for job_id in (1, 2, 3):
        scratch.fresh(job_id, 1)
    for job_id in (1, 2):
        os.utime(scratch.folder_of(job_id, 1), (time.time() - WEEK - 60,) * 2)
    scratch.remove_older_than(WEEK, active={2})
    assert sorted(folder.name for folder in scratch.root().iterdir()) == ["job-2-1", "job-3-1"]


def test_with_no_folder_at_all_there_is_nothing_to_remove() -> None:
    scratch.remove_older_than(0, active=set())
    assert scratch.left_over(1) == []
