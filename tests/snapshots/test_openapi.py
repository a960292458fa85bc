"""The description of the API, as `manage.py spectacular` writes it."""

from io import StringIO

from django.core.management import call_command

from tests.snapshots.stored import compare


def test_description_of_the_api() -> None:
    written = StringIO()
    call_command("spectacular", stdout=written)
    compare("openapi.yaml", written.getvalue())
