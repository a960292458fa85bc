"""Marks are called No, Same kind and Exactly this; their values stay."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("retrieval", "0011_dataset_classes")]

    operations = [
        migrations.AlterField(
            model_name="mark",
            name="value",
            field=models.PositiveSmallIntegerField(choices=[(0, "No"), (1, "Same kind"), (2, "Exactly this")]),
        ),
    ]
