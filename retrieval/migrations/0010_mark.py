"""Marks come home from the app ratings, where they were named Relevance. The table stays as it is.

What names the model in other tables goes with it: content types (which the admin log points at) and permissions.
"""

from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

OLD, NEW = ("ratings", "relevance"), ("retrieval", "mark")


def rename(apps: Any, schema_editor: Any, old: tuple[str, str], new: tuple[str, str]) -> None:
    alias = schema_editor.connection.alias
    types = apps.get_model("contenttypes", "ContentType").objects.using(alias)
    permissions = apps.get_model("auth", "Permission").objects.using(alias)
    kept = types.filter(app_label=old[0], model=old[1]).first()
    if kept is None:  # a new database
        return
    types.filter(pk=kept.pk).update(app_label=new[0], model=new[1])
    for row in permissions.filter(content_type=kept.pk):
        action = row.codename.partition("_")[0]
        permissions.filter(pk=row.pk).update(codename=f"{action}_{new[1]}", name=f"Can {action} {new[1]}")


def forwards(apps: Any, schema_editor: Any) -> None:
    rename(apps, schema_editor, OLD, NEW)


def backwards(apps: Any, schema_editor: Any) -> None:
    rename(apps, schema_editor, NEW, OLD)


class Migration(migrations.Migration):

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        ('contenttypes', '0002_remove_content_type_name'),
        ('ratings', '0004_one_open_ballot'),
        ('retrieval', '0009_encoder_failures'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name='Mark',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('value', models.PositiveSmallIntegerField(choices=[(0, 'Not it'), (1, 'Same kind'), (2, 'What I meant')])),
                        ('rated_at', models.DateTimeField(auto_now=True)),
                        ('image', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='retrieval.image')),
                        ('ranking', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='marks', to='retrieval.ranking')),
                        ('who', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='marks', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'db_table': 'ratings_relevance',
                        'constraints': [
                            models.UniqueConstraint(fields=('who', 'ranking', 'image'), name='one_relevance_a_person_and_answer'),
                            models.CheckConstraint(condition=models.Q(('value__in', (0, 1, 2))), name='relevance_in_range'),
                        ],
                    },
                ),
            ],
        ),
        migrations.RunPython(forwards, backwards),
    ]
