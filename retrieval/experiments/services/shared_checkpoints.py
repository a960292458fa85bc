"""Checkpoints of a training in the storage that hosts share, so that a worker on another host goes on from the last.

Where the storage is a folder of this machine, the scratch folder of the job is enough, and nothing is done here.
"""

import logging
import os
import shutil
from pathlib import Path

from config.errors import Busy
from mlcore.artifacts import published
from mlcore.training.checkpoint_sums import is_whole
from retrieval.models import Run
from retrieval.registry.services.trained_parts import CHECKPOINTS
from storage.errors import StoredDamaged
from storage.store import place_of, store

logger = logging.getLogger(__name__)

HIDDEN = shutil.ignore_patterns(".*")


class SharedCheckpoints:
    """The newest checkpoint of a run. work: the folder in which its child process keeps them, `epoch-N` being whole."""

    def __init__(self, run: Run, work: Path) -> None:
        self.key, self.work = f"{_key_of(run)}/{work.name}", work
        self._stored = 0  # epoch of what the storage has

    def put(self) -> None:
        """Store the newest checkpoint, unless it is stored already, and drop the one before.

        The training goes on without it where the storage is away: the next epoch's is stored. One that the training
        replaced meanwhile is left for the one that took its place.
        """
        tried = self._stored
        while store().is_shared and (epoch := _newest(self.work)) > tried:
            tried = epoch
            if self._put(epoch):
                return

    def _put(self, epoch: int) -> bool:
        """Store the checkpoint of an epoch, and drop the one before. False: it is not stored."""
        key = f"{self.key}/{epoch}"
        try:
            with published(place_of(key)) as snapshot:  # links: the child may replace its files while these are sent
                shutil.copytree(self.work, snapshot, copy_function=os.link, ignore=HIDDEN, dirs_exist_ok=True)
            before = [stored.key for stored in store().below(self.key)]
            store().put(key)
            self._stored = epoch
            for older in before:
                store().delete(older)
        except (Busy, shutil.Error, OSError) as error:  # the child may have begun to replace it
            logger.warning("the checkpoint of epoch %d is not stored for other hosts: %s", epoch, error)
            return False
        else:
            return True
        finally:
            shutil.rmtree(place_of(key), ignore_errors=True)

    def drop_damaged(self) -> None:
        """Delete checkpoints that are not as they were stored: the training goes on from an earlier one, or anew.

        Without the best one, which its validation chose, all of them are of no use.
        """
        if any(_is_damaged(folder) for folder in self.work.glob("best/epoch-*")):
            logger.warning("the best checkpoint of %s is damaged: the training begins anew", self.key)
            shutil.rmtree(self.work)
        for folder in self.work.glob("epoch-*"):
            if _is_damaged(folder):
                logger.warning("%s of %s is damaged: the training goes on without it", folder.name, self.key)
                shutil.rmtree(folder)

    def fetch(self) -> None:
        """Take up the newest checkpoint that another host stored, unless there is a newer one here."""
        if not store().is_shared:
            return
        shutil.rmtree(place_of(self.key), ignore_errors=True)  # of an attempt that died
        stored = {int(found.key.rpartition("/")[2]): found.key for found in store().below(self.key)}
        newest = max((epoch for epoch, key in stored.items() if store().has(key)), default=0)
        if newest > _newest(self.work):
            try:
                place = store().local_copy(stored[newest])
            except StoredDamaged as error:
                logger.warning("the checkpoint of epoch %d is not taken up: %s", newest, error)
                return
            shutil.rmtree(self.work, ignore_errors=True)
            shutil.move(place, self.work)
            self._stored = newest
            logger.info("training goes on from epoch %d, which another host stored", newest)


def forget_checkpoints(run: Run) -> None:
    """Delete what the storage has of a training that has ended."""
    if store().is_shared:
        store().delete(_key_of(run))


def _key_of(run: Run) -> str:
    return f"{CHECKPOINTS}/run-{run.pk}"


def _is_damaged(checkpoint: Path) -> bool:
    try:
        return not is_whole(checkpoint)
    except (OSError, ValueError):
        return True


def _newest(work: Path) -> int:
    """Return the epoch of the newest checkpoint in a folder, 0 without any."""
    return max((int(folder.name.removeprefix("epoch-")) for folder in work.glob("epoch-*")), default=0)
