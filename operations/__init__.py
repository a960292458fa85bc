"""What people who run the site need: metrics, `manage.py doctor`, the operations page."""
