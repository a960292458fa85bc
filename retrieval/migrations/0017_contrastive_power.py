from typing import Any

from django.db import migrations

BEFORE = 2
"""The power of every contrastive loss until it became a parameter."""


def write_power(apps: Any, schema_editor: Any) -> None:
    """Give stored runs the power that they were, or are to be, trained with: its default is another one now."""
    for run in apps.get_model("retrieval", "Run").objects.filter(loss="contrastive").iterator():
        if "power" not in run.params:
            run.params["power"] = BEFORE
            run.save(update_fields=["params"])


def remove_power(apps: Any, schema_editor: Any) -> None:
    """Remove it where it says what was so anyway; the code before this refuses another one."""
    for run in apps.get_model("retrieval", "Run").objects.filter(loss="contrastive").iterator():
        if run.params.get("power") == BEFORE:
            del run.params["power"]
            run.save(update_fields=["params"])


class Migration(migrations.Migration):
    dependencies = [
        ("retrieval", "0016_archived"),
    ]
    operations = [migrations.RunPython(write_power, remove_power)]
