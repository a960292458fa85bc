"""Accounts, roles, API tokens, the audit trail, and the registry of personal data."""
