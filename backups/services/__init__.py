"""Backups of the whole site: making one, restoring one, and checking that database and files agree."""
