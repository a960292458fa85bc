"""The account's own pages, and the lab's about people."""

from django.urls import path

from accounts import views
from accounts.audit import views as audit

urlpatterns = [
    path("me/tokens/", views.tokens, name="tokens"),
    path("me/tokens/<str:digest>/revoke", views.revoke_token, name="revoke_token"),
    path("me/security/", views.security, name="security"),
    path("me/data/", views.data, name="my_data"),
    path("me/data/export", views.export_data, name="export_my_data"),
    path("me/data/delete", views.delete_account, name="delete_account"),
    path("lab/audit/", audit.trail, name="audit"),
    path("lab/audit/export", audit.export, name="audit_export"),
]
