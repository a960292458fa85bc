"""Drafts that can be changed before names are shown, and pictures that are skipped for a while."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ratings", "0006_help_of_all_bad"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="ballot", name="one_open_ballot_a_person"),
        migrations.AddField(
            model_name="ballot",
            name="draft",
            field=models.JSONField(
                blank=True,
                help_text="Ratings by ranking that were sent while the names stay hidden; null = none.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="ballot",
            name="draft_none_good",
            field=models.BooleanField(default=False, help_text="Whether the draft says that no column matches."),
        ),
        migrations.AddField(
            model_name="ballot",
            name="skipped_at",
            field=models.DateTimeField(
                blank=True, help_text="Since when the picture is set aside; null = it is not.", null=True
            ),
        ),
        migrations.AddField(
            model_name="ballot",
            name="skips",
            field=models.PositiveSmallIntegerField(default=0, help_text="How often the person skipped the picture."),
        ),
        migrations.AddConstraint(
            model_name="ballot",
            constraint=models.UniqueConstraint(
                condition=models.Q(("skipped_at", None), ("voted_at", None), ("withdrawn_at", None)),
                fields=("who",),
                name="one_open_ballot_a_person",
            ),
        ),
    ]
