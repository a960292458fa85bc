"""Forms of a password in Unicode: keyboards and systems write the same letters as different characters."""

import unicodedata


def normal_form(password: str) -> str:
    """Return the form that hashes are made of (NFKC, as NIST SP 800-63B advises)."""
    return unicodedata.normalize("NFKC", password)


def forms_of(password: str) -> list[str]:
    """Return what the hash of this password may have been made of, the usual form first.

    Hashes of earlier versions were made of the password as it was typed.
    """
    composed, decomposed = (unicodedata.normalize(form, password) for form in ("NFC", "NFD"))
    return list(dict.fromkeys((normal_form(password), password, composed, decomposed)))
