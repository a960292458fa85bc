"""Phases of jobs have plain names: "kin" of a map is "neighbours", "looks" of an index "hashes"."""

from typing import Any

from django.db import migrations

NAMES = {"kin": "neighbours", "looks": "hashes"}


def rename(apps: Any, schema_editor: Any) -> None:
    for old, new in NAMES.items():
        apps.get_model("jobs", "Job").objects.filter(phase=old).update(phase=new)


class Migration(migrations.Migration):

    dependencies = [
        ("jobs", "0004_help_texts"),
    ]

    operations = [
        migrations.RunPython(rename, migrations.RunPython.noop),
    ]
