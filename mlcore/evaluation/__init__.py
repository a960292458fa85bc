"""Exact search, the metrics on it, and what explains them."""
