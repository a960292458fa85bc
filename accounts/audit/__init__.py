"""The audit trail: `audit.record(by, action, target, **details)` is all that others need."""

from accounts.audit.services import record, record_about

__all__ = ["record", "record_about"]
