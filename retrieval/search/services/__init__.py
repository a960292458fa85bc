"""Rules about searches."""
