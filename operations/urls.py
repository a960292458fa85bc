"""URLs of the pages for people who run the site."""

from django.urls import path

from operations import views

urlpatterns = [path("lab/operations/", views.operations, name="operations")]
