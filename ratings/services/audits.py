"""Audits of the leaderboard's tables that a person may see."""

from accounts.roles import Visitor
from ratings.services.leaderboard import DEFAULT, tables_of
from ratings.services.leaderboard_audit import Audit, audit_of
from ratings.services.leaderboard_rows import measured_rows


def audits_for(user: Visitor, dataset: str = "", protocol: str = "") -> list[Audit]:
    """Return an audit of each table, by data set; without a protocol of each data set's default one.

    Raises:
        UnknownFilter: there is no such data set or protocol among the rows.
    """
    return [audit_of(user, rows) for rows, _ in tables_of(measured_rows(user), dataset, protocol or DEFAULT)]
