"""What an admin types about people."""

from django import forms

from accounts.roles import Role

ROLES = [(role.value, role.value) for role in Role]


class PeopleFilter(forms.Form):
    """By what the list is narrowed."""

    text = forms.CharField(required=False, max_length=200, label="Name or e-mail")
    role = forms.ChoiceField(required=False, choices=[("", "any"), *ROLES])


class InviteForm(forms.Form):
    """Who is to come."""

    email = forms.EmailField(label="E-mail")
    display_name = forms.CharField(
        label="Name", max_length=80, required=False, help_text="Else what stands before the @."
    )
    role = forms.ChoiceField(
        choices=ROLES,
        help_text="A member searches and rates; a curator also runs the lab; an admin also manages people.",
    )


class RoleForm(forms.Form):
    """Another role."""

    role = forms.ChoiceField(choices=ROLES)
