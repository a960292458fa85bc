"""Rules of every new password, whichever way it is set.

Django asks each validator of AUTH_PASSWORD_VALIDATORS about a new password, and tells each of them once it is stored:
by the pages, /admin/, `manage.py changepassword` and `createsuperuser`, an invitation, or a line of code. So a rule
that stands here cannot be forgotten by any of them.
"""

from django.contrib.auth.password_validation import validate_password

from accounts.models import User, normal_form
from accounts.security import services


class NewPassword:
    """Check the form that is stored, and end what the former password gave access to."""

    def validate(self, password: str, user: User | None = None) -> None:
        """Hold the stored form against all validators too: full-width letters become common ones.

        Raises:
            ValidationError: one of them refuses it.
        """
        if normal_form(password) != password:
            validate_password(normal_form(password), user)

    def get_help_text(self) -> str:
        return "A new password ends all other sessions of the account and revokes its API tokens."

    def password_changed(self, password: str, user: User) -> None:
        services.end_access(user)
