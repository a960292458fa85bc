"""`manage.py doctor`: a check of each part of an installation, which says what is wrong and what to do."""
