"""Forms about data sets."""

from django import forms


class ImportForm(forms.Form):
    """A new data set: an uploaded archive, a server path, or drawn butterflies."""

    name = forms.CharField(max_length=80)
    archive = forms.FileField(required=False, help_text="Zip, tar or tar.gz with one folder a class.")
    source = forms.CharField(
        required=False,
        max_length=400,
        label="Place",
        help_text="Or a server path, or wings:species=60,per_class=24,size=128,seed=0.",
    )
    licence = forms.CharField(required=False, max_length=300, help_text="Shown with every picture, as in CC BY 4.0.")
    attribution = forms.CharField(
        required=False, max_length=300, help_text="Whom to name: the photographers, the museum, the paper."
    )
    unlabelled = forms.BooleanField(
        required=False,
        label="Without labels",
        help_text="Folders mean nothing: it can be searched, but neither learned nor measured.",
    )
    public = forms.BooleanField(
        required=False, label="Show to visitors", help_text="People who have not signed in may see its pictures."
    )

    def clean(self) -> dict[str, object] | None:
        """Ask for one way in, not two and not none."""
        values = super().clean() or {}
        if bool(values.get("archive")) == bool(values.get("source")) and not self.errors:
            raise forms.ValidationError("Give either an archive or a path.")
        values["labelled"] = not values.pop("unlabelled", False)
        return values
