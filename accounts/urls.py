"""The account's own pages, and the lab's about people."""

from django.urls import path

from accounts import views
from accounts.audit import views as audit
from accounts.people import views as people

urlpatterns = [
    path("me/", views.account, name="account"),
    path("me/tokens/", views.tokens, name="tokens"),
    path("me/tokens/<str:digest>/revoke", views.revoke_token, name="revoke_token"),
    path("me/security/", views.security, name="security"),
    path("me/data/", views.data, name="my_data"),
    path("me/data/export", views.export_data, name="export_my_data"),
    path("me/data/delete", views.delete_account, name="delete_account"),
    path("lab/people/", people.people, name="people"),
    path("lab/people/invite/", people.invite, name="invite"),
    path("lab/people/<int:pk>/", people.person, name="person"),
    path("lab/people/<int:pk>/role", people.change_role, name="change_role"),
    path("lab/people/<int:pk>/deactivate", people.deactivate, name="deactivate_person"),
    path("lab/people/<int:pk>/reactivate", people.reactivate, name="reactivate_person"),
    path("lab/people/<int:pk>/invite", people.resend, name="resend_invitation"),
    path("lab/people/<int:pk>/second-factor", people.remove_second_factor, name="remove_second_factor"),
    path("lab/audit/", audit.trail, name="audit"),
    path("lab/audit/export", audit.export, name="audit_export"),
]
