"""What allauth asks us at sign-up."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.db import transaction
from django.http import HttpRequest

from accounts.models import User
from accounts.roles import Role
from accounts.services import set_role


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Everybody who signs up is a member."""

    @transaction.atomic
    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        user.display_name = form.cleaned_data["display_name"]
        super().save_user(request, user, form, commit=commit)
        if commit:
            set_role(user, Role.MEMBER)
        return user
