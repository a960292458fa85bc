"""The app of what people think."""

from django.apps import AppConfig


class RatingsConfig(AppConfig):
    name = "ratings"

    def ready(self) -> None:
        """Say what is known of a person."""
        from accounts import personal_data
        from ratings.services.ballots import erase_ratings, export_ratings

        personal_data.register("ratings", export_ratings, erase_ratings)
