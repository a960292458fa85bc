"""What a browser may say of an answer."""

from django import forms


class MarkForm(forms.Form):
    """A picture and a value; the service knows which values there are."""

    image = forms.IntegerField()
    value = forms.IntegerField()
