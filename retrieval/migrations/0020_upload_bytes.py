"""The size of an uploaded query in its row, so that a quota needs no look at files."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import migrations, models

CHUNK = 1000


def measure(apps: Any, schema_editor: Any) -> None:
    """Take the sizes from the files, all of which lie on this machine so far; one that is gone takes no bytes."""
    Search = apps.get_model("retrieval", "Search")
    folder = Path(settings.MEDIA_ROOT) / "searches"
    changed = []
    for search in Search.objects.filter(root=None, query_image=None).only("pk").iterator(chunk_size=CHUNK):
        file = folder / f"{search.pk}.jpg"
        search.upload_bytes = file.stat().st_size if file.is_file() else 0
        changed.append(search)
        if len(changed) == CHUNK:
            Search.objects.bulk_update(changed, ["upload_bytes"])
            changed = []
    Search.objects.bulk_update(changed, ["upload_bytes"])


class Migration(migrations.Migration):
    dependencies = [
        ("retrieval", "0019_picture_indexes"),
    ]

    operations = [
        migrations.AddField(
            model_name="search",
            name="upload_bytes",
            field=models.PositiveIntegerField(
                default=0, help_text="Of the uploaded query as it is stored; 0 without."
            ),
        ),
        migrations.RunPython(measure, migrations.RunPython.noop),
    ]
