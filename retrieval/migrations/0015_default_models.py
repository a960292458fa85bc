from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("retrieval", "0014_deleted_searches")]

    operations = [
        migrations.AddField(
            "model",
            "is_default",
            models.BooleanField(
                default=False, help_text="Whether a curator chose it for new searches; else the best are taken."
            ),
        ),
    ]
