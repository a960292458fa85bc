"""Relevance is retrieval's Mark from now on; see retrieval.0010_mark."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('ratings', '0004_one_open_ballot'),
        ('retrieval', '0010_mark'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(state_operations=[migrations.DeleteModel(name='Relevance')]),
    ]
