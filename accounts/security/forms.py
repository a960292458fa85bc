"""Forms of allauth: sign-up, passwords, addresses.

The other forms are in `accounts.forms`, which allauth loads before its own.
"""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import AddEmailForm, LoginForm, ResetPasswordForm, ResetPasswordKeyForm, SignupForm
from allauth.account.internal.flows.email_verification import send_verification_email_to_address
from allauth.account.internal.userkit import filter_users_by_email
from allauth.account.models import EmailAddress
from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import get_default_password_validators, password_validators_help_text_html
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.models import User
from accounts.security.services import confirm_address, is_confirmed, may_reset_by
from accounts.security.validators import NewPassword


def _call_it_email(field: forms.Field) -> None:
    """Call a field as all pages do; allauth has a spelling of its own."""
    field.label = "E-mail"
    field.widget.attrs["placeholder"] = "E-mail address"


class SignInForm(LoginForm):  # type: ignore[misc]  # allauth has no types
    """E-mail and password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _call_it_email(self.fields["login"])


class SignUpForm(SignupForm):  # type: ignore[misc]  # allauth has no types
    """A sign-up whose answer does not tell whether the address has an account: its owner learns that by mail."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _call_it_email(self.fields["email"])
        rules = [rule for rule in get_default_password_validators() if not isinstance(rule, NewPassword)]
        self.fields["password1"].help_text = password_validators_help_text_html(rules)  # there is no former password

    def validate_unique_email(self, value: str) -> str:
        self.account_already_exists = bool(filter_users_by_email(value))
        return value

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse]:
        """Make the account unless there is one, and lead to the same page; neither signs in."""
        user = None if self.account_already_exists else self._made(request)
        if user is None:
            User().set_password(self.cleaned_data["password1"])  # takes as long as making an account
        if settings.ACCOUNT_EMAIL_VERIFICATION == "none":
            return user, redirect("account_login")
        address = EmailAddress(user=None, email=self.cleaned_data["email"])  # nobody's: the mail says that there is one
        if user is not None:
            address = EmailAddress.objects.get_for_user(user, address.email)
        send_verification_email_to_address(request, address, signup=True)
        return user, get_adapter().respond_email_verification_sent(request, user)

    def _made(self, request: HttpRequest) -> User | None:
        """Return the new account; None when another request has made it in this moment."""
        try:
            with transaction.atomic():
                user: User = self.save(request)
        except IntegrityError:
            return None
        return user


class AddAddressForm(AddEmailForm):  # type: ignore[misc]  # allauth has no types
    """A further address; not before the first is confirmed, or whoever signs up in another's name would keep a key."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _call_it_email(self.fields["email"])

    def clean_email(self) -> str:
        if not is_confirmed(self.user):
            raise ValidationError(f"Confirm {self.user.email} first, then add another address.")
        email: str = super().clean_email()
        return email


class ForgottenPasswordForm(ResetPasswordForm):  # type: ignore[misc]  # allauth has no types
    """Where the link for a new password is to be sent."""

    users: list[User]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _call_it_email(self.fields["email"])

    def clean_email(self) -> str:
        """Take an address that may not open the account for unknown."""
        email: str = super().clean_email()
        self.users = [user for user in self.users if may_reset_by(user, email)]
        return email


class ChosenPasswordForm(ResetPasswordKeyForm):  # type: ignore[misc]  # allauth has no types
    """The new password of who followed a link from a mail."""

    @transaction.atomic
    def save(self) -> None:
        """Store it; if the account's address was not confirmed, the link was sent there and nowhere else."""
        super().save()
        if not is_confirmed(self.user):
            confirm_address(self.user)
