"""Indexes for every order and filter of pictures, and for the searches of a person. The one of the key of the data set alone begins two of them.

What was hidden before pictures were marked is marked with the revision of now: no older index may show it.
"""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models


def mark_hidden(apps: Any, schema_editor: Any) -> None:
    """Mark hidden pictures with their data set's present revision."""
    Dataset, Image = (apps.get_model("retrieval", name) for name in ("Dataset", "Image"))
    for pk, revision in list(Dataset.objects.values_list("pk", "revision")):
        Image.objects.filter(dataset=pk, hidden=True, changed_revision=0).update(changed_revision=revision)


class Migration(migrations.Migration):
    dependencies = [
        ("retrieval", "0018_changed_pictures"),
    ]

    operations = [
        migrations.RunPython(mark_hidden, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="dataset",
            name="fingerprint",
            field=models.CharField(
                blank=True,
                help_text="Of its visible pictures; empty until a job has read a new revision.",
                max_length=64,
            ),
        ),
        migrations.AlterField(
            model_name="dataset",
            name="history",
            field=models.JSONField(
                blank=True,
                default=list,
                help_text="Each revision since the first change: its fingerprint, offset, when, and what.",
            ),
        ),
        migrations.RemoveIndex(model_name="image", name="image_by_split"),
        migrations.AlterField(
            model_name="image",
            name="dataset",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="images",
                to="retrieval.dataset",
            ),
        ),
        migrations.AddIndex(
            model_name="image",
            index=models.Index(fields=["dataset", "id"], name="image_by_key"),
        ),
        migrations.AddIndex(
            model_name="image",
            index=models.Index(fields=["dataset", "label", "id"], name="image_by_label"),
        ),
        migrations.AddIndex(
            model_name="image",
            index=models.Index(fields=["dataset", "split", "id"], name="image_by_split_and_key"),
        ),
        migrations.AddIndex(
            model_name="image",
            index=models.Index(fields=["sha256"], name="image_by_content"),
        ),
        migrations.AddIndex(
            model_name="image",
            index=models.Index(
                condition=models.Q(("hidden", False)),
                fields=["dataset", "split", "label", "id"],
                name="image_shown",
            ),
        ),
        migrations.AddIndex(
            model_name="image",
            index=models.Index(
                condition=models.Q(("hidden", True)), fields=["dataset", "label", "id"], name="image_hidden"
            ),
        ),
        migrations.AddIndex(
            model_name="search",
            index=models.Index(fields=["owner", "-created_at"], name="search_by_owner"),
        ),
    ]
