"""Users and tokens for admins. A role is chosen as one, never put together from flags."""

from typing import Any

from allauth.mfa import admin as mfa_admin
from allauth.usersessions import admin as usersessions_admin
from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as StockUserAdmin
from django.contrib.auth.forms import BaseUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts import services
from accounts.admins import held, require_admin, require_another_admin
from accounts.errors import AccountError
from accounts.models import ApiToken, AuditEntry, User
from accounts.people import services as people
from accounts.permissions import signed_in
from accounts.roles import Role, given_role
from accounts.security import services as security

admin.site.unregister(Group)  # groups here are roles, and roles are given below
for guarded in (mfa_admin.Authenticator, usersessions_admin.UserSession):
    admin.site.unregister(guarded)  # /lab/people/ removes and ends them, and the audit trail tells of it

ROLE = forms.ChoiceField(choices=[(role.value, role.value) for role in Role], initial=Role.MEMBER)


class FreeAddress:
    """The e-mail address of an account; who enters it here vouches for it."""

    cleaned_data: dict[str, Any]
    instance: User

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        if security.is_taken(email, by_other_than=self.instance if self.instance.pk else None):
            raise ValidationError(f"{email} belongs to another account, as a further address.")
        return email


class CreateUser(FreeAddress, BaseUserCreationForm):  # type: ignore[type-arg]
    role = ROLE

    class Meta:
        model = User
        fields = ("email", "display_name")


class ChangeUser(FreeAddress, UserChangeForm):  # type: ignore[type-arg]
    role = ROLE

    class Meta:
        model = User
        fields = ("email", "display_name", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].initial = given_role(self.instance) or Role.MEMBER

    def clean(self) -> dict[str, Any] | None:
        """Hold who is admin from here on: what is saved afterwards stands on it."""
        data = super().clean()
        staying = self.cleaned_data.get("role") == Role.ADMIN and self.cleaned_data.get("is_active")
        try:
            account = held(self.instance)
            if not staying:
                require_another_admin(account)
            if "role" in self.cleaned_data and "email" not in self.changed_data:
                services.require_confirmed(account, self.cleaned_data["role"])
        except AccountError as error:
            raise ValidationError(str(error)) from None
        return data


@admin.register(User)
class UserAdmin(StockUserAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    add_form = CreateUser
    form = ChangeUser
    list_display = ("email", "display_name", "role", "is_active", "date_joined")
    list_filter = ("groups", "is_active")
    search_fields = ("email", "display_name")
    ordering = ("email",)
    filter_horizontal = ()
    readonly_fields = ("last_login", "date_joined")
    fieldsets = ((None, {"fields": ("email", "display_name", "password", "role", "is_active", *readonly_fields)}),)
    add_fieldsets = ((None, {"fields": ("email", "display_name", "password1", "password2", "role")}),)

    @admin.display(description="role")
    def role(self, user: User) -> str:
        return given_role(user) or ""

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Leave `active` as it was: the service below ends sessions and tokens as well.

        Who is admin is held before a row is written, which for a change the form did already.
        """
        held(signed_in(request))
        require_admin(signed_in(request))
        if change:
            obj.is_active = form.initial["is_active"]
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        admin = signed_in(request)
        require_admin(admin)  # asked again: whoever was demoted meanwhile changes nothing
        if "email" in form.changed_data:
            security.confirm_address(form.instance)
        if "is_active" in form.changed_data:
            act = people.reactivate if form.cleaned_data["is_active"] else people.deactivate
            act(form.instance, by=admin)
        services.set_role(form.instance, form.cleaned_data["role"], by=admin)  # last: who steps down could do no more

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Refuse: rows alone would go, not what other apps keep of the person. Deactivate instead."""
        return False


@admin.register(ApiToken)
class ApiTokenAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    list_display = ("name", "user", "read_only", "created", "expiry", "last_used_at")
    list_select_related = ("user",)
    search_fields = ("name", "user__email")
    readonly_fields = ("name", "user", "read_only", "token_key", "created", "expiry", "last_used_at")
    fields = readonly_fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: a secret is shown only to the one whose token it is, at /me/tokens/."""
        return False

    def delete_model(self, request: HttpRequest, obj: ApiToken) -> None:
        services.revoke_token(obj, by=signed_in(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        for token in queryset:
            self.delete_model(request, token)


@admin.register(AuditEntry)
class AuditEntryAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """To read only: a trail that can be changed is none."""

    list_display = ("at", "who_name", "action", "target")
    list_filter = ("action",)
    search_fields = ("who_name", "target")
    fields = ("at", "who", "who_name", "action", "target", "details")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: AuditEntry | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AuditEntry | None = None) -> bool:
        return False
