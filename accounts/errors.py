"""Errors of accounts alone; more general ones are in `config.errors`."""

from config.errors import Conflict


class AccountError(Conflict):
    """An account or token cannot be made, changed or deleted as asked."""


class UnconfirmedError(AccountError):
    """The account's e-mail address is not confirmed yet."""

    problem = "unconfirmed-address"
