from typing import Any

from django.conf import settings
from django.db import migrations, models
from django.db.models import Q

OPEN = Q(voted_at=None, withdrawn_at=None)


def keep_the_newest(apps: Any, schema_editor: Any) -> None:
    """Delete all of a person's open ballots but the newest: nothing was said on them, and their queries come again."""
    ballots = apps.get_model("ratings", "Ballot").objects.filter(OPEN)
    seen: set[int] = set()
    for pk, who in ballots.order_by("-shown_at", "pk").values_list("pk", "who"):
        if who in seen:
            ballots.filter(pk=pk).delete()
        seen.add(who)


class Migration(migrations.Migration):
    dependencies = [
        ("ratings", "0003_withdrawn_votes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.RunPython(keep_the_newest, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="ballot",
            constraint=models.UniqueConstraint(
                fields=["who"], condition=OPEN, name="one_open_ballot_a_person"
            ),
        ),
    ]
