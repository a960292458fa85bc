"""What allauth asks us about passwords; apart from the other forms, which allauth loads before its own."""

from allauth.account.forms import ResetPasswordKeyForm

from accounts.security.services import confirm_address


class ChosenPasswordForm(ResetPasswordKeyForm):  # type: ignore[misc]  # allauth has no types
    """The new password of who followed a link from a mail."""

    def save(self) -> None:
        """Store it; who chooses the first one of an account has shown that the invitation arrived."""
        invited = not self.user.has_usable_password()
        super().save()
        if invited:
            confirm_address(self.user)
