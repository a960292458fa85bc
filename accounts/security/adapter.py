"""How the secrets of second factors lie in the database: encrypted."""

import base64
import logging
from typing import Any

from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.crypto import salted_hmac

logger = logging.getLogger(__name__)


def _cipher() -> MultiFernet:
    """Encrypt with a key made of SECRET_KEY; read with those of SECRET_KEY_FALLBACKS too."""
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    digests = (salted_hmac("kindred.second-factor", "", secret, algorithm="sha256").digest() for secret in secrets)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    """Who reads the database alone learns no second factor from it."""

    error_messages: dict[str, Any] = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "This code does not fit. Codes change every half minute; take the one shown now.",
        "unverified_email": "Confirm your e-mail address first: without it nobody could help you back in.",
    }

    def encrypt(self, text: str) -> str:
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Return the secret.

        Raises:
            ValidationError: it was encrypted under a SECRET_KEY that this site no longer knows.
        """
        try:
            return _cipher().decrypt(encrypted_text.encode()).decode()
        except InvalidToken:
            logger.error("a second factor was encrypted under another SECRET_KEY; add that to SECRET_KEY_FALLBACKS")
            raise ValidationError(
                "This site can no longer read your second factor. Ask an admin to remove it, then set up a new one."
            ) from None
