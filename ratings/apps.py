"""The app of what people think."""

from django.apps import AppConfig


class RatingsConfig(AppConfig):
    name = "ratings"

    def ready(self) -> None:
        """Say what is known of a person, what can be kept of what all of them said, and which data sets votes need."""
        from accounts import personal_data
        from ratings.services.exports import ABOUT, exports
        from ratings.services.my_ratings import erase_ratings, export_ratings
        from ratings.services.rated_searches import page_of_vote, voted_rankings, votes_on
        from ratings.views.leaderboard import welcome_section
        from retrieval import downloads
        from retrieval.datasets.services import dependencies
        from retrieval.pages.views import front
        from retrieval.search.services import marks

        personal_data.register("ratings", export_ratings, erase_ratings)
        downloads.register("ratings", "Ratings", ABOUT, exports)
        dependencies.register("votes", votes_on)
        marks.register(marks.Others(rankings=voted_rankings, url=page_of_vote))
        front.register(welcome_section)
