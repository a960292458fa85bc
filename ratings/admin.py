"""Ballots and ratings in the admin site: read-only, but they can be deleted if somebody cheats."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from ratings.models import Ballot, BlindScore


class RatingAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Nobody adds or changes the ratings of another."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


admin.site.register([Ballot, BlindScore], RatingAdmin)
