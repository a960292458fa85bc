"""URLs of the jobs' pages."""

from django.urls import path

from jobs import views

urlpatterns = [
    path("jobs/<int:pk>/", views.detail, name="job"),
    path("jobs/<int:pk>/status", views.status, name="job_status"),
    path("jobs/<int:pk>/cancel", views.cancel, name="cancel_job"),
    path("jobs/<int:pk>/retry", views.retry, name="retry_job"),
    path("lab/jobs/", views.every_job, name="jobs"),
]
