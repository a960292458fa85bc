"""What the log's lines hold."""

import logging


class RefusalsWithoutTraceback(logging.Filter):
    """Keep what is written of a refused request (4xx) to one line: nothing is broken, and anybody can cause many."""

    def filter(self, record: logging.LogRecord) -> bool:
        if 400 <= getattr(record, "status_code", 0) < 500:
            record.exc_info = None
        return True
