"""The account's own pages."""

from django.urls import path

from accounts import views

urlpatterns = [
    path("tokens/", views.tokens, name="tokens"),
    path("tokens/<str:digest>/revoke", views.revoke_token, name="revoke_token"),
    path("data/", views.data, name="my_data"),
    path("data/export", views.export_data, name="export_my_data"),
    path("data/delete", views.delete_account, name="delete_account"),
]
