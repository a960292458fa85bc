"""The ratings app: blind ballots, the leaderboard, exports."""

from django.apps import AppConfig


class RatingsConfig(AppConfig):
    name = "ratings"

    def ready(self) -> None:
        """Register personal data, downloads, what keeps a data set, the leaderboard of the front page and its test."""
        from accounts import personal_data
        from accounts.roles import Role
        from jobs import registry
        from ratings.services.exports import ABOUT, exports
        from ratings.services.leaderboard_ranks import KIND, run_ranks_job
        from ratings.services.my_ratings import erase_ratings, export_ratings
        from ratings.services.rated_searches import (
            ballots_on,
            page_of_rating,
            rated_rankings,
            ratings_on,
            release_rankings,
        )
        from ratings.views.leaderboard import welcome_section
        from retrieval import downloads
        from retrieval.datasets.services import dependencies
        from retrieval.pages.views import front
        from retrieval.registry.services import trained_parts
        from retrieval.search.services import marks

        personal_data.register("ratings", export_ratings, erase_ratings)
        downloads.register("ratings", "Ratings", ABOUT, exports)
        dependencies.register("ratings", ratings_on)
        trained_parts.register(trained_parts.Ratings(count=ballots_on, release=release_rankings))
        marks.register(marks.Others(rankings=rated_rankings, url=page_of_rating))
        front.register(welcome_section)
        registry.register(KIND, run_ranks_job, least=Role.MEMBER)
