"""Hidden repeats and duplicated columns; existing ballots are neither, and count as before."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("ratings", "0008_propensities")]

    operations = [
        migrations.AddField(
            model_name="ballot",
            name="repeat_of",
            field=models.OneToOneField(
                blank=True,
                help_text="Earlier ballot of the person that this one repeats unseen; null = it is no repeat.",
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="repeat",
                to="ratings.ballot",
            ),
        ),
        migrations.AddField(
            model_name="ballot",
            name="duplicate",
            field=models.JSONField(
                blank=True,
                help_text="Column that shows another's ranking once more, to see attention: ranking, key, place; "
                "null = none.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="ballot",
            name="duplicate_rating",
            field=models.PositiveSmallIntegerField(
                blank=True, help_text="Rating of the duplicated column, 1 to 5; it counts for no model.", null=True
            ),
        ),
        migrations.RemoveConstraint(model_name="ballot", name="one_ballot_a_person_and_query"),
        migrations.AddConstraint(
            model_name="ballot",
            constraint=models.UniqueConstraint(
                fields=["who", "search"], condition=Q(repeat_of=None), name="one_ballot_a_person_and_query"
            ),
        ),
    ]
