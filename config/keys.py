"""The bound of the keys of rows that come in URLs, forms and bodies."""

MOST_DIGITS = 18
"""A longer number is no key: it may not fit the 64 bits of a database's integer."""
