"""Tables of accounts (one per e-mail address), API tokens and the audit trail."""

import unicodedata
from typing import Any

from django.contrib.auth import hashers
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, Group, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.functional import cached_property
from knox.models import AbstractAuthToken


def normal_form(password: str) -> str:
    """Return the Unicode form of a password that hashes are made of (NFKC, as NIST SP 800-63B advises).

    Keyboards and systems write the same letters as different characters.
    """
    return unicodedata.normalize("NFKC", password)


def forms_of(password: str) -> list[str]:
    """Return what the hash of this password may have been made of, the usual form first.

    Hashes of earlier versions were made of the password as it was typed.
    """
    composed, decomposed = (unicodedata.normalize(form, password) for form in ("NFC", "NFD"))
    return list(dict.fromkeys((normal_form(password), password, composed, decomposed)))


class UserManager(BaseUserManager["User"]):
    """Create accounts; the role is given by `accounts.services`."""

    use_in_migrations = True

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Return a saved account without a role. An account without a password cannot sign in."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Return a saved admin, whose address is taken for confirmed: what `manage.py createsuperuser` calls."""
        from accounts.security.services import confirm_address  # it needs this module

        user = self.create_user(email, password, is_staff=True, is_superuser=True, **fields)
        confirm_address(user)
        user.groups.add(Group.objects.get_or_create(name="admin")[0])
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        """Find by e-mail, whatever its case."""
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):  # type: ignore[django-manager-missing]  # knox's, untyped
    """A person. The e-mail is the name to sign in with; `display_name` is what others see."""

    email = models.EmailField("e-mail", unique=True)
    display_name = models.CharField(max_length=80)
    is_staff = models.BooleanField(default=False, editable=False)
    is_active = models.BooleanField("active", default=True)
    notices_origin = models.CharField(
        max_length=200,
        blank=True,
        default="",
        editable=False,
        help_text="Address of the site, such as https://kindred.example, in mails about work that has ended; "
        "empty: no such mails.",
    )
    date_joined = models.DateTimeField(default=timezone.now, editable=False)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["display_name"]

    class Meta:
        ordering = ["email"]
        constraints = [
            models.UniqueConstraint(
                Lower("email"), name="one_account_an_email", violation_error_message="This e-mail has an account."
            )
        ]

    def __str__(self) -> str:
        return self.display_name or self.email

    def set_password(self, raw_password: str | None) -> None:
        """Hash the password in its normal form.

        Sign-in calls this for an unknown address, to take as long as for a known one: so it hashes as often as
        `check_password` does.
        """
        normal, *others = forms_of(raw_password) if raw_password else [raw_password]
        super().set_password(normal)
        for form in others:
            hashers.make_password(form)

    def set_unusable_password(self) -> None:
        """Let no password open the account; saving it ends access as a new password does."""
        super().set_unusable_password()
        self._password = ""  # what `save` looks at

    def check_password(self, raw_password: str | None) -> bool:
        """Accept the password in any Unicode form; a hash that was made of another form is made anew."""
        normal, *others = forms_of(raw_password or "")
        if super().check_password(normal):
            return True
        if not any(hashers.check_password(form, self.password) for form in others):
            return False
        self.set_password(normal)
        self._password = None  # type: ignore[assignment]  # the same password, so nothing ends
        self.save(update_fields=["password"])
        return True

    def get_full_name(self) -> str:
        return self.display_name

    def get_short_name(self) -> str:
        return self.display_name

    @cached_property
    def group_names(self) -> frozenset[str]:
        """The names of the account's groups, read once for this object."""
        return frozenset(group.name for group in self.groups.all())  # which may have been fetched with others

    @cached_property
    def has_second_factor(self) -> bool:
        """Whether a sign-in asks for more than the password, read once for this object."""
        exists: bool = self.authenticator_set.exists()  # type: ignore[attr-defined]  # allauth's, untyped
        return exists


class ApiToken(AbstractAuthToken):  # type: ignore[misc]  # knox has no types
    """A program's key to an account. Only its digest is stored; the secret is shown once."""

    name = models.CharField(max_length=80)
    read_only = models.BooleanField(default=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["-created"]
        verbose_name = "API token"

    def __str__(self) -> str:
        return f"{self.name} ({self.token_key}…)"


class AuditEntry(models.Model):
    """A change by a curator, an admin or the system. Written by `accounts.audit`, never changed."""

    who = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="audit_entries")
    who_name = models.CharField("who, as it was", max_length=80)  # the account may be renamed, or go
    action = models.SlugField(max_length=60, db_index=False)
    target = models.CharField(max_length=200)
    details = models.JSONField(default=dict)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-at", "-pk"]
        verbose_name = "audit entry"
        verbose_name_plural = "audit trail"
        indexes = [
            models.Index(fields=["-at", "-id"], name="audit_newest_first"),
            models.Index(fields=["action", "-at"], name="audit_by_action"),
        ]

    def __str__(self) -> str:
        return f"{self.who_name}: {self.action_words} {self.target}"

    @property
    def action_words(self) -> str:
        """The action as people read it."""
        return self.action.replace("-", " ")
