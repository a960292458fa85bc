"""Marks on results, blind ballots, and the leaderboard."""

from collections.abc import Mapping
from typing import Any

from kindred_client import response_types
from kindred_client.api import Fields, Ref, Resource, given, key
from kindred_client.downloads import Download
from kindred_client.pages import Pages


class Ratings(Resource):
    """One's own marks and ballots, and the leaderboard."""

    def marks(
        self, *, limit: int | None = None, cursor: str | None = None, fields: Fields = ()
    ) -> Pages[response_types.RatingsMarks]:
        """List one's marks."""
        query = given(limit=limit, cursor=cursor, fields=fields)
        return self._api.pages("ratings.marks", response_types.RatingsMarks, query=query)

    def mark(self, ranking: Ref, image: Ref, value: int) -> response_types.RatingsMark:
        """Mark a result: 0 no, 1 same kind, 2 exactly this; a second mark replaces the first."""
        body = {"ranking": key(ranking), "image": key(image), "value": value}
        return self._api.call("ratings.mark", response_types.RatingsMark, json=body)

    def unmark(self, mark: Ref, *, if_match: str = "") -> None:
        """Remove a mark."""
        self._api.call("ratings.unmark", dict, mark, if_match=if_match)

    def ballots(
        self, *, limit: int | None = None, cursor: str | None = None, fields: Fields = ()
    ) -> Pages[response_types.RatingsBallots]:
        query = given(limit=limit, cursor=cursor, fields=fields)
        return self._api.pages("ratings.ballots", response_types.RatingsBallots, query=query)

    def next_ballot(self) -> response_types.RatingsNextBallot:
        """Return the next query to rate; the models' names stay hidden until it is rated."""
        return self._api.call("ratings.next_ballot", response_types.RatingsNextBallot)

    def ballot(self, ballot: Ref, *, fields: Fields = ()) -> response_types.RatingsBallot:
        return self._api.call("ratings.ballot", response_types.RatingsBallot, ballot, query=given(fields=fields))

    def progress(self) -> response_types.RatingsProgress:
        """Return how many queries one has rated, and of how many."""
        return self._api.call("ratings.progress", response_types.RatingsProgress)

    def rate(
        self,
        ballot: Ref,
        ratings: Mapping[int, int] | None = None,
        *,
        all_bad: bool | None = None,
        show_names: bool | None = None,
    ) -> response_types.RatingsRate:
        """Rate every column, 1 to 5, by its ranking; or state that none matches.

        The response names the models. With `show_names` False they stay hidden and the ratings can be changed; they
        count once `show_names` is called.
        """
        by_name = None if ratings is None else {str(ranking): rating for ranking, rating in ratings.items()}
        body = given(ratings=by_name, all_bad=all_bad, show_names=show_names)
        return self._api.call("ratings.rate", response_types.RatingsRate, ballot, json=body)

    def show_names(self, ballot: Ref, *, if_match: str = "") -> response_types.RatingsShowNames:
        """Make ratings final that were sent with `show_names` False; the response names the models."""
        return self._api.call("ratings.show_names", response_types.RatingsShowNames, ballot, if_match=if_match)

    def skip(self, ballot: Ref, *, if_match: str = "") -> response_types.RatingsSkip:
        """Set the open ballot aside; it comes back after all others."""
        return self._api.call("ratings.skip", response_types.RatingsSkip, ballot, if_match=if_match)

    def withdraw(self, ballot: Ref, *, if_match: str = "") -> response_types.RatingsWithdraw:
        """Withdraw one's last rated ballot."""
        return self._api.call("ratings.withdraw", response_types.RatingsWithdraw, ballot, if_match=if_match)

    def leaderboard(
        self, *, dataset: str | None = None, protocol: str | None = None
    ) -> response_types.RatingsLeaderboard:
        """Return a table per data set and protocol: losses with metrics, ranks and blind ratings; `dataset` is a slug.

        `protocol="default"` leaves one table for each data set, the one that the page shows first.
        """
        query = given(dataset=dataset, protocol=protocol)
        return self._api.call("ratings.leaderboard", response_types.RatingsLeaderboard, query=query)

    def audit(self, *, dataset: str | None = None, protocol: str | None = None) -> response_types.RatingsAudit:
        """Return the audit of each table's blind ratings; without `protocol` of each data set's default one.

        It has the sampling of models, ballots that decide who is first, drift over time, and `warnings` in words.
        """
        query = given(dataset=dataset, protocol=protocol)
        return self._api.call("ratings.audit", response_types.RatingsAudit, query=query)

    def leaderboard_file(self, suffix: str, *, dataset: str | None = None, protocol: str | None = None) -> Download:
        """Return the leaderboard as a file: csv, png, svg or json."""
        query: dict[str, Any] = given(dataset=dataset, protocol=protocol)
        return self._api.download("ratings.leaderboard_file", suffix, query=query)

    def judged_metrics(self, dataset: Ref) -> response_types.RatingsJudgedMetrics:
        """Return nDCG@8, Judged@8 and bpref of a data set's models, measured against people's marks."""
        return self._api.call("ratings.judged_metrics", response_types.RatingsJudgedMetrics, dataset)

    def consistency(self, dataset: Ref) -> response_types.RatingsConsistency:
        """Return how far people repeat their own ratings of a data set's queries."""
        return self._api.call("ratings.consistency", response_types.RatingsConsistency, dataset)

    def own_consistency(self) -> response_types.RatingsOwnConsistency:
        """Return how far one repeats one's own ratings."""
        return self._api.call("ratings.own_consistency", response_types.RatingsOwnConsistency)

    def export(self, dataset: Ref, part: str) -> Download:
        """Return ratings of a data set as a file: ratings.csv, marks.csv, ratings.json, qrels.txt or runs.zip."""
        return self._api.download("ratings.export", dataset, part)
