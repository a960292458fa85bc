"""kombu's filesystem broker, made safe against incomplete files.

kombu writes messages, and the tables of which queue hears which messages, under their final names. So a worker
may read one half-written; and what it cannot decode ends the worker. Here both appear whole, and a damaged message
(by a full disk, say) is dropped: the job's row still stands, and the sweep sends it again.
"""

import fcntl
import logging
import time
import uuid
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import filesystem
from kombu.utils.json import dumps

logger = logging.getLogger(__name__)


class Channel(filesystem.Channel):
    """Write aside and rename; drop what cannot be read."""

    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]  # as kombu's own
        _write_whole(Path(self.data_folder_out) / f"{self._arrival()}.{queue}.msg", payload)

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        table = self._exchange_file(exchange)  # type: ignore[no-untyped-call]
        table.parent.mkdir(exist_ok=True)
        with (table.parent / ".lock").open("a") as lock:  # released when it closes
            fcntl.flock(lock, fcntl.LOCK_EX)
            bound = self.get_table(exchange)  # type: ignore[no-untyped-call]
            new = filesystem.exchange_queue_t(routing_key or "", pattern or "", queue or "")
            if new not in bound:
                _write_whole(table, [new, *bound])

    def get_table(self, exchange: str) -> list[Any]:
        """Return which queues hear the messages of an exchange; none where a full disk left half a table."""
        try:
            return super().get_table(exchange)  # type: ignore[no-untyped-call,no-any-return]
        except ValueError:
            return []

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        try:
            return super()._get(queue)  # type: ignore[no-untyped-call]
        except (ValueError, ChannelError) as error:
            logger.warning("a message of queue %s cannot be read and is dropped: %s", queue, error)
            raise Empty from None

    @staticmethod
    def _arrival() -> str:
        """Return a name that sorts by time: the reader takes the first."""
        return f"{time.time_ns()}_{uuid.uuid4()}"


def _write_whole(file: Path, value: Any) -> None:
    scratch = file.parent / f".{uuid.uuid4()}"
    try:
        scratch.write_text(dumps(value))  # type: ignore[no-untyped-call]
        scratch.rename(file)
    finally:
        scratch.unlink(missing_ok=True)


class Transport(filesystem.Transport):
    """The filesystem transport with the channel above."""

    Channel = Channel
