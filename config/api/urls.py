"""URLs of the API. Pages have the plain names (model-publish), the API's the same with "api-"."""

from csp.constants import UNSAFE_INLINE
from csp.decorators import csp_update
from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.routers import SimpleRouter

from accounts.api import MeExportView, MeView, TokenViewSet
from accounts.audit.api import AuditViewSet
from config.api.problems import UnknownURL, every_problem, one_problem
from config.api.views import KEY, UUID
from jobs.api import JobViewSet
from jobs.notice_api import NoticeViewSet
from operations.api import OperationsView
from ratings.api.ballots import BallotViewSet
from ratings.api.consistency import DatasetConsistencyView
from ratings.api.files import DatasetRatingsView
from ratings.api.judged_metrics import JudgedMetricsView
from ratings.api.leaderboard import LeaderboardAuditView, LeaderboardFileView, LeaderboardView
from retrieval.datasets.api.datasets import DatasetViewSet
from retrieval.datasets.api.images import ImageViewSet
from retrieval.datasets.api.uploads import UploadViewSet
from retrieval.experiments.api.experiments import ExperimentViewSet
from retrieval.experiments.api.losses import LossViewSet
from retrieval.experiments.api.runs import RunViewSet
from retrieval.registry.api.indexes import IndexViewSet
from retrieval.registry.api.metrics import MetricViewSet
from retrieval.registry.api.models import ModelViewSet
from retrieval.search.api.exports import SearchResultsView
from retrieval.search.api.links import ShareLinkViewSet
from retrieval.search.api.marks import MarkViewSet
from retrieval.search.api.searches import SearchViewSet

router = SimpleRouter()
router.register("audit", AuditViewSet, basename="api-audit")
router.register("tokens", TokenViewSet, basename="token")
router.register("jobs", JobViewSet, basename="job")
router.register("notices", NoticeViewSet, basename="api-notice")
router.register("uploads", UploadViewSet, basename="api-upload")
router.register("datasets", DatasetViewSet, basename="api-dataset")
router.register("images", ImageViewSet, basename="api-image")
router.register("losses", LossViewSet, basename="api-loss")
router.register("metrics", MetricViewSet, basename="api-metric")
router.register("runs", RunViewSet, basename="api-run")
router.register("experiments", ExperimentViewSet, basename="api-experiment")
router.register("models", ModelViewSet, basename="api-model")
router.register("indexes", IndexViewSet, basename="api-index")
router.register("searches", SearchViewSet, basename="api-search")
router.register("share-links", ShareLinkViewSet, basename="api-share-link")
router.register("ballots", BallotViewSet, basename="api-ballot")
router.register("marks", MarkViewSet, basename="api-mark")

# Swagger's page styles itself from JavaScript; no other page may.
docs = csp_update({"style-src": [UNSAFE_INLINE]})(SpectacularSwaggerSplitView.as_view(url_name="schema"))

urlpatterns = [
    path("v1/me/", MeView.as_view(), name="me"),
    path("v1/me/export/", MeExportView.as_view(), name="me-export"),
    path("v1/leaderboard/", LeaderboardView.as_view(), name="api-leaderboard"),
    path("v1/leaderboard/audit/", LeaderboardAuditView.as_view(), name="api-leaderboard-audit"),
    path("v1/leaderboard/<str:suffix>/", LeaderboardFileView.as_view(), name="api-leaderboard-file"),
    re_path(rf"^v1/searches/(?P<id>{UUID})/results/(?P<suffix>[a-z]+)/$", SearchResultsView.as_view()),
    re_path(rf"^v1/datasets/(?P<id>{KEY})/ratings/(?P<part>[a-z.]+)/$", DatasetRatingsView.as_view()),
    re_path(rf"^v1/datasets/(?P<id>{KEY})/judged-metrics/$", JudgedMetricsView.as_view()),
    re_path(rf"^v1/datasets/(?P<id>{KEY})/consistency/$", DatasetConsistencyView.as_view()),
    path("v1/operations/", OperationsView.as_view(), name="api-operations"),
    path("v1/", include(router.urls)),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", docs, name="docs"),
    path("problems/", every_problem, name="problems"),
    path("problems/<slug:name>", one_problem, name="problem"),
    re_path(r"^", UnknownURL.as_view()),
]
