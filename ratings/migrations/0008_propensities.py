"""How a ballot was drawn: from the shared core or not, and the probability of each column. Unknown of older ballots."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ratings", "0007_drafts_and_skips")]

    operations = [
        migrations.AddField(
            model_name="ballot",
            name="is_core",
            field=models.BooleanField(
                blank=True,
                help_text="Whether the query was drawn from the shared core; null = not recorded then.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="ballot",
            name="propensities",
            field=models.JSONField(
                blank=True,
                help_text="Probability that each column was shown, by ranking id; null = not recorded then.",
                null=True,
            ),
        ),
    ]
