"""Class names leave the JSON list of their data set for a table of their own: a picture finds its name by a join."""

import django.db.models.deletion
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

BATCH = 1000  # rows in memory, beside the names of one data set


def fill_table(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Give every name of every list its row."""
    Dataset, DatasetClass = (apps.get_model("retrieval", name) for name in ("Dataset", "DatasetClass"))
    for pk in list(Dataset.objects.values_list("pk", flat=True)):
        names = Dataset.objects.values_list("classes", flat=True).get(pk=pk)
        for start in range(0, len(names), BATCH):
            rows = enumerate(names[start : start + BATCH], start)
            DatasetClass.objects.bulk_create(DatasetClass(dataset_id=pk, label=label, name=name) for label, name in rows)


def fill_lists(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Write the names of every data set into its list again."""
    Dataset, DatasetClass = (apps.get_model("retrieval", name) for name in ("Dataset", "DatasetClass"))
    for pk in list(Dataset.objects.values_list("pk", flat=True)):
        names = DatasetClass.objects.filter(dataset=pk).order_by("label").values_list("name", flat=True)
        Dataset.objects.filter(pk=pk).update(classes=list(names))


class Migration(migrations.Migration):
    dependencies = [
        ("retrieval", "0010_mark"),
    ]

    operations = [
        migrations.CreateModel(
            name="DatasetClass",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("label", models.PositiveIntegerField()),
                ("name", models.TextField()),
                (
                    "dataset",
                    # Not "classes" yet: that is still the list's name.
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="retrieval.dataset",
                    ),
                ),
            ],
            options={
                "ordering": ["dataset_id", "label"],
                "constraints": [models.UniqueConstraint(fields=("dataset", "label"), name="one_class_a_label")],
            },
        ),
        migrations.RunPython(fill_table, fill_lists),
        migrations.RemoveField(model_name="dataset", name="classes"),
        migrations.AlterField(
            model_name="datasetclass",
            name="dataset",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="classes",
                to="retrieval.dataset",
            ),
        ),
        # It has no column, and SQLite's schema editor cannot take such a field back.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AddField(
                    model_name="image",
                    name="dataset_class",
                    field=models.ForeignObject(
                        editable=False,
                        from_fields=("dataset", "label"),
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="images",
                        serialize=False,
                        to="retrieval.datasetclass",
                        to_fields=("dataset", "label"),
                    ),
                ),
            ]
        ),
    ]
