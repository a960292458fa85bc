"""Forms of the account pages: sign-up, new token, deletion."""

from datetime import timedelta

from django import forms
from django.http import HttpRequest

from accounts.models import User

LIFETIMES = {"30": "30 days", "90": "90 days", "365": "1 year", "": "No expiry"}


class SignupFields(forms.Form):
    """Fields of the sign-up besides e-mail and password."""

    display_name = forms.CharField(
        label="Name",
        max_length=80,
        help_text="Name shown to curators and admins.",
        widget=forms.TextInput(attrs={"autocomplete": "nickname"}),
    )

    def signup(self, request: HttpRequest, user: User) -> None:
        """Do nothing more: the adapter has stored the name with the account."""


class ProfileForm(forms.Form):
    """What one may change of one's own profile."""

    display_name = forms.CharField(
        label="Name",
        max_length=80,
        help_text="Name shown to curators and admins.",
        widget=forms.TextInput(attrs={"autocomplete": "nickname", "dir": "auto"}),
    )


class TokenForm(forms.Form):
    """A new API token."""

    name = forms.CharField(max_length=80, help_text="Program that uses the token.")
    read_only = forms.BooleanField(required=False, initial=True, label="Read-only")
    expires_in_days = forms.ChoiceField(
        choices=list(LIFETIMES.items()), required=False, initial="90", label="Expires after"
    )

    def lifetime(self) -> timedelta | None:
        """Return how long the token is valid; None if it never expires."""
        days = self.cleaned_data["expires_in_days"]
        return timedelta(days=int(days)) if days else None


class DeleteAccountForm(forms.Form):
    """A tick to confirm the deletion; re-authentication asks for the password."""

    sure = forms.BooleanField(label="Delete my account and all my data")
