from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("retrieval", "0007_uploads")]

    operations = [
        migrations.AddField(
            "search",
            "exclude_self",
            models.BooleanField(default=True, help_text="Whether a gallery picture is left out of its answers."),
        ),
    ]
