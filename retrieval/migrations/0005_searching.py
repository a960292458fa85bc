from typing import Any

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Q


def copy_datasets(apps: Any, schema_editor: Any) -> None:
    """What searched one data set goes on to have searched it."""
    Search = apps.get_model("retrieval", "Search")
    searched = Search.datasets.through
    rows = Search.objects.values_list("pk", "dataset_id").iterator()
    searched.objects.bulk_create((searched(search_id=pk, dataset_id=dataset) for pk, dataset in rows), batch_size=500)
    schema_editor.connection.check_constraints()  # PostgreSQL alters no table whose checks are still to come


def copy_dataset_back(apps: Any, schema_editor: Any) -> None:
    """A search of several data sets keeps the first."""
    Search = apps.get_model("retrieval", "Search")
    for search in Search.objects.all():
        search.dataset_id = search.datasets.order_by("pk").values_list("pk", flat=True)[0]
        search.save(update_fields=["dataset"])
    schema_editor.connection.check_constraints()


class Migration(migrations.Migration):
    dependencies = [("retrieval", "0004_site")]

    operations = [
        migrations.RemoveConstraint("search", "one_system_search_a_query"),
        migrations.AddField(
            "search",
            "datasets",
            models.ManyToManyField(related_name="+", help_text="All that were searched.", to="retrieval.dataset"),
        ),
        migrations.AlterField(
            "search",
            "dataset",
            models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="searches", to="retrieval.dataset"
            ),
        ),
        migrations.RunPython(copy_datasets, copy_dataset_back),
        migrations.RemoveField("search", "dataset"),
        migrations.AlterField(
            "search",
            "datasets",
            models.ManyToManyField(
                related_name="searches", help_text="All that were searched.", to="retrieval.dataset"
            ),
        ),
        migrations.AddField(
            "search",
            "root",
            models.ForeignKey(
                blank=True,
                help_text="Null: itself.",
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="refinements",
                to="retrieval.search",
            ),
        ),
        migrations.AddField(
            "search",
            "box",
            models.JSONField(
                blank=True,
                help_text="Left, top, right, bottom of what was searched, 0 to 1 of the upright picture.",
                null=True,
            ),
        ),
        migrations.AddField(
            "search",
            "threshold",
            models.FloatField(blank=True, help_text="Answers of a lower cosine are not shown.", null=True),
        ),
        migrations.AddField(
            "search",
            "filters",
            models.JSONField(
                blank=True,
                default=dict,
                help_text="splits: names; classes: pairs of data set and label. Empty allows all.",
            ),
        ),
        migrations.AddField(
            "search",
            "more",
            models.JSONField(blank=True, default=list, help_text="Pictures that the query was moved towards."),
        ),
        migrations.AddField(
            "search",
            "less",
            models.JSONField(blank=True, default=list, help_text="Pictures that it was moved away from."),
        ),
        migrations.AddField(
            "search", "name", models.CharField(blank=True, help_text="A saved search has one.", max_length=80)
        ),
        migrations.AddConstraint(
            "search",
            models.UniqueConstraint(
                fields=["query_image"],
                condition=Q(owner__isnull=True, query_image__isnull=False),
                name="one_system_search_a_query",
            ),
        ),
        migrations.AddConstraint(
            "search",
            models.CheckConstraint(
                condition=Q(threshold__isnull=True) | Q(threshold__gte=-1, threshold__lte=1),
                name="search_threshold_is_a_cosine",
            ),
        ),
        migrations.AddConstraint(
            "search",
            models.CheckConstraint(condition=Q(root__isnull=True) | ~Q(root=F("id")), name="search_root_is_another"),
        ),
        migrations.RemoveConstraint("ranking", "one_ranking_a_model"),
        migrations.AddConstraint(
            "ranking", models.UniqueConstraint(fields=["search", "index"], name="one_ranking_an_index")
        ),
    ]
