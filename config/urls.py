"""Every address of the site."""

from allauth.account.decorators import secure_admin_login
from csp.constants import UNSAFE_INLINE
from csp.decorators import csp_update
from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.routers import SimpleRouter

from accounts.api import MeView, TokenViewSet
from accounts.permissions import may_administer, second_factor_first
from config.problems import UnknownAddress
from jobs.api import JobViewSet
from ratings.api import BallotViewSet, LeaderboardView, RelevanceView
from retrieval.datasets.api import DatasetViewSet
from retrieval.experiments.api import ExperimentViewSet, LossView, ModelViewSet
from retrieval.indexes.api import IndexViewSet
from retrieval.search.api import SearchViewSet

# The admin's own sign-in knows neither rate limits nor second factors; ours does.
admin.site.login = second_factor_first(secure_admin_login(admin.site.login))  # type: ignore[method-assign]
admin.site.has_permission = may_administer  # type: ignore[method-assign]
admin.site.site_header = admin.site.site_title = "Kindred"

# Pages have the plain names (model-publish), the API's the same with "api-": else `reverse` would mix them up.
router = SimpleRouter()
router.register("jobs", JobViewSet, basename="job")
router.register("tokens", TokenViewSet, basename="token")
router.register("datasets", DatasetViewSet, basename="api-dataset")
router.register("experiments", ExperimentViewSet, basename="api-experiment")
router.register("models", ModelViewSet, basename="api-model")
router.register("indexes", IndexViewSet, basename="api-index")
router.register("searches", SearchViewSet, basename="api-search")
router.register("ballots", BallotViewSet, basename="api-ballot")

# Swagger's page styles itself from JavaScript; no other page may.
docs = csp_update({"style-src": [UNSAFE_INLINE]})(SpectacularSwaggerSplitView.as_view(url_name="schema"))

urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.account.urls")),
    path("accounts/2fa/", RedirectView.as_view(pattern_name="security")),  # allauth's own overview; ours has it all
    path("accounts/2fa/", include("allauth.mfa.urls")),
    path("accounts/sessions/", include("allauth.usersessions.urls")),
    path("", include("accounts.urls")),
    path("", include("jobs.urls")),
    path("", include("retrieval.urls")),
    path("", include("ratings.urls")),
    path("api/v1/me/", MeView.as_view(), name="me"),
    path("api/v1/losses/", LossView.as_view(), name="loss-list"),
    path("api/v1/leaderboard/", LeaderboardView.as_view(), name="leaderboard-list"),
    path("api/v1/relevance/", RelevanceView.as_view(), name="relevance-list"),
    path("api/v1/", include(router.urls)),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", docs, name="docs"),
    re_path(r"^api/", UnknownAddress.as_view()),
]
