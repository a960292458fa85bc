"""What the account services raise on purpose; every message can be shown."""


class AccountError(Exception):
    """An account or token cannot be made, changed or deleted as asked."""


class UnconfirmedError(AccountError):
    """The account's e-mail address is not confirmed yet."""
