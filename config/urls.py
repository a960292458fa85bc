"""URLs of the site."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from accounts.permissions import may_administer, second_factor_first
from config.robots import robots
from config.theme import choose_theme

# The admin's own sign-in knows neither rate limits nor second factors; ours does.
admin.site.login = second_factor_first(secure_admin_login(admin.site.login))  # type: ignore[method-assign]
admin.site.has_permission = may_administer  # type: ignore[method-assign]
admin.site.site_header = admin.site.site_title = "Kindred"

handler400 = "config.error_pages.bad_request"
handler500 = "config.error_pages.server_error"

urlpatterns = [
    path("api/", include("config.api.urls")),  # first: each pattern before it is tried for every request
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.account.urls")),
    path("accounts/2fa/", RedirectView.as_view(pattern_name="security")),  # allauth's own overview; ours has it all
    path("accounts/2fa/", include("allauth.mfa.urls")),
    path("accounts/sessions/", include("allauth.usersessions.urls")),
    path("theme/", choose_theme, name="theme"),
    path("robots.txt", robots, name="robots"),
    path("", include("accounts.urls")),
    path("", include("jobs.urls")),
    path("", include("retrieval.urls")),
    path("", include("ratings.urls")),
    path("", include("operations.urls")),
]
