"""Who: accounts, roles, API tokens, and what each app knows of a person."""
