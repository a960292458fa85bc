"""URLs of the jobs' pages."""

from django.urls import path

from jobs import notice_views, views

urlpatterns = [
    path("jobs/<int:pk>/", views.detail, name="job"),
    path("jobs/<int:pk>/status", views.status, name="job_status"),
    path("jobs/<int:pk>/cancel", views.cancel, name="cancel_job"),
    path("jobs/<int:pk>/retry", views.retry, name="retry_job"),
    path("me/notices/", notice_views.every_notice, name="notices"),
    path("me/notices/<int:pk>/open", notice_views.open_notice, name="notice-open"),
    path("me/notices/read", notice_views.read_all, name="notices-read"),
    path("me/notices/mail", notice_views.mailing, name="notices-mail"),
    path("lab/jobs/", views.every_job, name="jobs"),
]
