"""Audits of the leaderboard's tables that a person may see."""

from collections.abc import Sequence

from accounts.roles import Visitor
from ratings.services.leaderboard import DEFAULT, tables_of
from ratings.services.leaderboard_audit import Audit, audit_of
from ratings.services.leaderboard_rows import LeaderboardRow


def audits_of(user: Visitor, rows: Sequence[LeaderboardRow], dataset: str = "", protocol: str = "") -> list[Audit]:
    """Return an audit of each table of these rows, by data set; without a protocol of each data set's default one.

    Raises:
        UnknownFilter: there is no such data set or protocol among the rows.
    """
    return [audit_of(user, table) for table, _ in tables_of(rows, dataset, protocol or DEFAULT)]
