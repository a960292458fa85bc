from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection

from accounts.models import User
from retrieval.models import Mark

pytestmark = [pytest.mark.django_db, pytest.mark.services]
migration = import_module("retrieval.migrations.0010_mark")
EDITOR = SimpleNamespace(connection=connection)


def names() -> list[tuple[str, str]]:
    of_marks = Permission.objects.filter(content_type__model__in=("mark", "relevance"))
    return sorted(of_marks.values_list("content_type__app_label", "codename"))


def test_the_admin_log_and_permissions_of_marks_go_with_them(admin: User) -> None:
    new = names()
    migration.backwards(apps, EDITOR)
    assert ("ratings", "add_relevance") in names()
    old = ContentType.objects.get(app_label="ratings", model="relevance")
    entry = LogEntry.objects.create(user=admin, content_type=old, object_id="1", action_flag=CHANGE)
    migration.forwards(apps, EDITOR)
    ContentType.objects.clear_cache()
    found = LogEntry.objects.get(pk=entry.pk).content_type
    assert found is not None and found.model_class() is Mark
    assert names() == new and Permission.objects.filter(codename="add_mark", name="Can add mark").exists()


def test_a_new_database_has_nothing_to_rename() -> None:
    ContentType.objects.filter(model="mark").delete()
    migration.forwards(apps, EDITOR)
    assert not ContentType.objects.filter(model__in=("mark", "relevance")).exists()
