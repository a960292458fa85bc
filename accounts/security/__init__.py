"""What keeps an account its owner's: second factor and sessions."""
