"""What people type about their account."""

from datetime import timedelta

from django import forms
from django.http import HttpRequest

from accounts.models import User

EXPIRIES = {"30": "30 days", "90": "90 days", "365": "a year", "": "for ever"}


class SignupFields(forms.Form):
    """What a sign-up asks beside e-mail and password."""

    display_name = forms.CharField(
        label="Name",
        max_length=80,
        help_text="Shown beside your ratings.",
        widget=forms.TextInput(attrs={"autocomplete": "nickname"}),
    )

    def signup(self, request: HttpRequest, user: User) -> None:
        """Do nothing more: the adapter has stored the name with the account."""


class TokenForm(forms.Form):
    """A new API token."""

    name = forms.CharField(max_length=80, help_text="Which program will use it.")
    read_only = forms.BooleanField(required=False, initial=True, label="May only read")
    expiry = forms.ChoiceField(choices=list(EXPIRIES.items()), required=False, initial="90", label="Valid for")

    def lifetime(self) -> timedelta | None:
        """Return how long the token lives; None is for ever."""
        days = self.cleaned_data["expiry"]
        return timedelta(days=int(days)) if days else None


class DeleteAccountForm(forms.Form):
    """One more thought; who it is is asked by re-authentication."""

    sure = forms.BooleanField(label="Yes, delete my account and everything of mine")
