"""Adapter of allauth: sign-up, passwords, confirmation of addresses, limits on sign-ins."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.core.internal import ratelimit
from django.db import transaction
from django.http import HttpRequest

from accounts.models import User
from accounts.roles import Role
from accounts.security.services import drop_addresses
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

    @transaction.atomic
    def set_password(self, user: User, password: str) -> None:
        """Store the password and end access with it, or neither."""
        super().set_password(user, password)

    @transaction.atomic
    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        """Confirm it; with the account's own address, those that were added before go."""
        confirmed: bool = super().confirm_email(request, email_address)
        if confirmed and email_address.email == email_address.user.email:
            drop_addresses(email_address.user, keep_confirmed=False)
        return confirmed

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count wrong passwords by account and client, then by account alone; the windows are a minute.

        A client that has used up its own share adds nothing to the other count, so it keeps nobody else out.
        `login_failed`, allauth's own count, stays that of second factors, which only who knows the password can use up.

        Raises:
            ValidationError: too many were wrong.
        """
        account = credentials.get("email", "").lower()
        here = f"{ratelimit.get_ip(request)} {account}"
        usage = self._login_failed_rl_usage = ratelimit.RateLimitUsage([])  # taken back if the password is right
        for action, key in (("password_failed_here", here), ("password_failed", account)):
            counted = ratelimit.consume(request, app="allauth.account", action=action, key=key)
            if not counted:
                usage.rollback()
                raise self.validation_error("too_many_login_attempts")
            usage.usage.extend(counted.usage)
