"""Forms about data sets."""

from django import forms

from retrieval.datasets.services.sources import archive_formats


class ImportForm(forms.Form):
    """A new data set: an uploaded archive, a server path, or drawn butterflies."""

    name = forms.CharField(max_length=80)
    archive = forms.FileField(required=False, help_text=f"Archive with one folder per class: {archive_formats()}.")
    source = forms.CharField(
        required=False,
        max_length=400,
        label="Server path",
        help_text="Path below an import folder, or wings:species=60,per_class=24,size=128,seed=0 (built-in set).",
    )
    licence = forms.CharField(
        required=False, max_length=300, help_text="Licence of the pictures, such as CC BY 4.0; shown with each of them."
    )
    attribution = forms.CharField(
        required=False, max_length=300, help_text="Photographers, museum or paper to credit; shown with every picture."
    )
    unlabelled = forms.BooleanField(
        required=False,
        label="Without labels",
        help_text="Ignore folder names. The data set can be searched but not used for training or evaluation.",
    )
    public = forms.BooleanField(
        required=False,
        label="Public",
        help_text="Visitors who have not signed in see its pictures (default: members only).",
    )

    def clean(self) -> dict[str, object] | None:
        """Require exactly one of archive and server path."""
        values = super().clean() or {}
        if bool(values.get("archive")) == bool(values.get("source")) and not self.errors:
            raise forms.ValidationError("Give either an archive or a server path, not both or none.")
        values["labelled"] = not values.pop("unlabelled", False)
        return values
