"""kombu's filesystem broker, made safe against incomplete messages.

kombu writes a message under its final name, so a worker may read it half-written; and what it
cannot decode ends the worker. Here a message appears whole, and a damaged one (by a full disk,
say) is dropped: the job's row still stands, and the sweep sends it again.
"""

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
        folder = Path(self.data_folder_out)
        scratch = folder / f".{uuid.uuid4()}"
        try:
            scratch.write_text(dumps(payload))  # type: ignore[no-untyped-call]
            scratch.rename(folder / f"{self._arrival()}.{queue}.msg")
        finally:
            scratch.unlink(missing_ok=True)

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


class Transport(filesystem.Transport):
    """The filesystem transport with the channel above."""

    Channel = Channel
