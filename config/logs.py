"""Filters of log records."""

import logging


class RefusalsWithoutTraceback(logging.Filter):
    """Log a client error (4xx) in one line: nothing is broken, and anybody can cause many."""

    def filter(self, record: logging.LogRecord) -> bool:
        if 400 <= getattr(record, "status_code", 0) < 500:
            record.exc_info = None
        return True
