"""Votes in the stock admin: to be read, and deleted where somebody cheats."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from ratings.models import Ballot, BlindScore


class VoteAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Nobody votes for another."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


admin.site.register([Ballot, BlindScore], VoteAdmin)
