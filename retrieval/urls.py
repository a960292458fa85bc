"""URLs of pages about data sets, searches, experiments, models and indexes."""

from functools import partial

from django.urls import path
from django.views.generic import RedirectView

from retrieval.datasets.views import changes, datasets, imports
from retrieval.datasets.views import curating as curation
from retrieval.experiments.views import experiments, reports, runs
from retrieval.experiments.views import losses as algorithms
from retrieval.pages.views import about, classes, downloads, lab, maps
from retrieval.pages.views import datasets as dataset_pages
from retrieval.pages.views.front import front
from retrieval.pages.views.storage import storage
from retrieval.registry.views import deleting, indexes, labels, models
from retrieval.search.views import explanations, exports, history, links, marks, results, visitors
from retrieval.search.views import form as form_views
from retrieval.search.views import searches as search

moved = partial(RedirectView.as_view, permanent=True, query_string=True)

urlpatterns = [
    path("", front, name="search"),
    path("searches/<uuid:pk>/", results.search_detail, name="search-detail"),
    path("searches/<uuid:pk>/refine", results.refine, name="search-refine"),
    path("searches/<uuid:pk>/results/<slug:suffix>", exports.search_results, name="search-results"),
    path("searches/<uuid:pk>/results/<int:ranking>/<int:image>/", results.search_result, name="search-result"),
    path("rankings/<int:pk>/mark", marks.mark, name="mark"),
    path("searches/", history.every_search, name="searches"),
    path("searches/saved/", history.saved_searches, name="searches-saved"),
    path("searches/delete/", history.delete_all, name="searches-delete"),
    path("searches/<uuid:pk>/save", history.save, name="search-save"),
    path("searches/<uuid:pk>/unsave", history.unsave, name="search-unsave"),
    path("searches/batch/", form_views.batch, name="search-batch"),
    path("try/<int:pk>/", visitors.try_picture, name="try"),
    path("searches/classes", form_views.classes, name="search-classes"),
    path("searches/<uuid:pk>/picture", search.query_picture, name="search-picture"),
    path("searches/<uuid:pk>/share", search.share, name="search-share"),
    path("searches/<uuid:pk>/delete", search.delete, name="search-delete"),
    path("searches/<uuid:pk>/restore", search.restore, name="search-restore"),
    path("searches/<uuid:pk>/explanation/<int:ranking>/<int:image>/", explanations.explanation, name="explanation"),
    path("shared/<slug:token>/", search.shared, name="shared"),
    path("shared/<slug:token>/results/<int:ranking>/<int:image>/", search.shared_result, name="shared-result"),
    path("shared/<slug:token>/query", search.shared_query, name="shared-query"),
    path("shared/<slug:token>/pictures/<int:pk>", search.shared_picture, name="shared-picture"),
    path(
        "shared/<slug:token>/explanation/<int:ranking>/<int:image>/",
        explanations.shared_explanation,
        name="shared-explanation",
    ),
    path("algorithms/", algorithms.every_algorithm, name="algorithms"),
    path("algorithms/<slug:name>/", algorithms.detail, name="algorithm"),
    path("datasets/", dataset_pages.every_dataset, name="datasets"),
    path("datasets/<slug:slug>/", dataset_pages.detail, name="dataset"),
    path("datasets/<slug:slug>/classes/<int:label>/", classes.detail, name="class"),
    path("datasets/<slug:slug>/classes/", datasets.classes, name="dataset-class-list"),
    path("datasets/<slug:slug>/classes/suggestions", dataset_pages.class_suggestions, name="class-suggestions"),
    path("datasets/<slug:slug>/pictures/<int:pk>/", dataset_pages.picture_page, name="dataset-picture"),
    path("datasets/<slug:slug>/map/", maps.show, name="dataset-map"),
    path("datasets/<slug:slug>/map/<int:pk>/points", maps.points, name="dataset-map-points"),
    path("datasets/<slug:slug>/map/<int:pk>/make", maps.make, name="dataset-map-make"),
    path("datasets/<slug:slug>/public", datasets.toggle_public, name="dataset-public"),
    path("pictures/<int:pk>", datasets.picture, name="picture"),
    path("pictures/<int:pk>/thumbnail", datasets.thumbnail, name="thumbnail"),
    path("downloads/", downloads.every_download, name="downloads"),
    path("downloads/models/<int:pk>/<slug:part>", downloads.model_file, name="download-model"),
    path("downloads/reports/<int:pk>/<slug:suffix>", downloads.report, name="download-report"),
    path("lab/", lab.lab, name="lab"),
    path("about/", about.about, name="about"),
    path("privacy/", about.privacy, name="privacy"),
    path("licences/", about.licences, name="licences"),
    path("lab/storage/", storage, name="storage"),
    path("lab/disk/", RedirectView.as_view(pattern_name="storage", permanent=True)),
    path("lab/share-links/", links.share_links, name="share-links"),
    path("lab/share-links/<uuid:pk>/revoke", links.revoke, name="share-link-revoke"),
    path("lab/import/", imports.start_import, name="dataset-import"),
    path("lab/import/<int:pk>/", imports.preview, name="dataset-preview"),
    path("lab/datasets/<slug:slug>/pictures/", curation.pictures, name="dataset-pictures"),
    path("lab/datasets/<slug:slug>/classes/", curation.classes, name="dataset-classes"),
    path("lab/datasets/<slug:slug>/classes/<int:label>/", curation.one_class, name="dataset-class-edit"),
    path("lab/datasets/<slug:slug>/licence/", curation.describe, name="dataset-describe"),
    path("lab/datasets/<slug:slug>/add/", changes.add, name="dataset-add"),
    path("lab/datasets/<slug:slug>/reimport/", changes.reimport, name="dataset-reimport"),
    path("lab/datasets/<slug:slug>/indexes/", indexes.of_dataset, name="dataset-index"),
    path("lab/datasets/<slug:slug>/labels/", labels.of_dataset, name="dataset-labels"),
    path("lab/datasets/<slug:slug>/delete/", changes.delete, name="dataset-delete"),
    path("lab/experiments/new/", experiments.new, name="experiment-new"),
    path("lab/experiments/estimate", experiments.estimate, name="experiment-estimate"),
    path("lab/experiments/<int:pk>/", experiments.detail, name="experiment"),
    path("lab/experiments/<int:pk>/runs", experiments.runs, name="experiment-runs"),
    path("lab/experiments/<int:pk>/now", runs.now, name="experiment-now"),
    path("lab/runs/<int:pk>/", runs.detail, name="run"),
    path("lab/runs/<int:pk>/log", runs.log, name="run-log"),
    path("lab/curves", runs.curves, name="run-curves"),
    path("lab/compare/", runs.compare, name="compare"),
    path("lab/compare/test", runs.test, name="compare-test"),
    path("lab/experiments/<int:pk>/tunings", experiments.tunings, name="experiment-tunings"),
    path("lab/experiments/<int:pk>/report/", reports.report, name="report"),
    path("lab/experiments/<int:pk>/report/make", reports.make, name="report-make"),
    path("lab/experiments/<int:pk>/report/status", reports.status, name="report-status"),
    path("lab/experiments/<int:pk>/report/drawings/<slug:name>", reports.drawing, name="report-drawing"),
    path("lab/experiments/<int:pk>/report/<slug:suffix>", reports.download, name="report-file"),
    path("lab/experiments/<int:pk>/delete/", deleting.delete, {"kind": "experiment"}, name="experiment-delete"),
    path("lab/experiments/<int:pk>/restore", deleting.restore_experiment, name="experiment-restore"),
    path("lab/experiments/<int:pk>/publish", experiments.publish, name="experiment-publish"),
    path("lab/runs/<int:pk>/delete/", deleting.delete, {"kind": "run"}, name="run-delete"),
    path("lab/models/<int:pk>/delete/", deleting.delete, {"kind": "model"}, name="model-delete"),
    path("lab/models/<int:pk>/restore", deleting.restore_model, name="model-restore"),
    path("lab/datasets/", lab.datasets, name="lab-datasets"),
    path("lab/experiments/", lab.experiments, name="experiments"),
    path("lab/models/", lab.models, name="models"),
    path("lab/models/new/", models.new, name="model-new"),
    path("lab/models/<int:pk>/", models.detail, name="model"),
    path("lab/models/<int:pk>/publish", models.toggle_published, name="model-publish"),
    path("lab/models/<int:pk>/default", models.toggle_default, name="model-default"),
    path("lab/models/<int:pk>/resume", models.resume, name="model-resume"),
    path("lab/models/<int:pk>/index", indexes.build, name="index-build"),
    path("lab/indexes/<int:pk>/activate", indexes.activate, name="index-activate"),
]

# Pages that had another URL before: bookmarks and shared links go on.
urlpatterns += [
    path("searches/<uuid:pk>/answers/<slug:suffix>", moved(pattern_name="search-results")),
    path("searches/<uuid:pk>/why/<int:ranking>/<int:image>/", moved(pattern_name="explanation")),
    path("shared/<slug:token>/why/<int:ranking>/<int:image>/", moved(pattern_name="shared-explanation")),
    path("rankings/<int:pk>/relevance", moved(pattern_name="mark")),
]
