"""The phase of map jobs that is called "neighbours" was "kin" before."""

from django.db import migrations


def rename(apps, schema_editor):
    apps.get_model("jobs", "Job").objects.filter(kind="map", phase="kin").update(phase="neighbours")


class Migration(migrations.Migration):

    dependencies = [
        ("jobs", "0004_help_texts"),
    ]

    operations = [
        migrations.RunPython(rename, migrations.RunPython.noop),
    ]
