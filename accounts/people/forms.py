"""Forms of the pages on which admins manage people."""

from django import forms

from accounts.roles import Role

ROLES = [(role.value, role.value) for role in Role]


class PeopleFilter(forms.Form):
    """Filters of the list."""

    text = forms.CharField(required=False, max_length=200, label="Name or e-mail address")
    role = forms.ChoiceField(required=False, choices=[("", "any"), *ROLES])


class InviteForm(forms.Form):
    """A new invitation."""

    email = forms.EmailField(label="E-mail address")
    display_name = forms.CharField(
        label="Name", max_length=80, required=False, help_text="Default: the part before the @."
    )
    role = forms.ChoiceField(
        choices=ROLES,
        help_text="Members search and rate; curators also run the lab; admins also manage people.",
    )


class RoleForm(forms.Form):
    """The role of a person."""

    role = forms.ChoiceField(choices=ROLES)
