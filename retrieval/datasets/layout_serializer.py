"""Choices about the layout of a source, as bodies of requests have them."""

from rest_framework import serializers

from config.api.strict import StrictObject
from retrieval.datasets.services.classes import NAME_LENGTH
from retrieval.datasets.services.layouts import LONGEST, SPLITS

MOST_LEVELS = 100
MOST_NAMES = 10_000


def text_field(about: str) -> serializers.CharField:
    return serializers.CharField(default="", allow_blank=True, max_length=LONGEST, help_text=about)


class LayoutSerializer(StrictObject):
    """How to read the source; what is left out is found. The result of a preview says what can be chosen.

    In a form it is JSON text.
    """

    reader = text_field("Name of a reader; the result of a preview lists them.")
    level = serializers.IntegerField(
        default=0, min_value=0, max_value=MOST_LEVELS, help_text="Level of the class folders, 1 at the top; 0: found."
    )
    pattern = text_field("Regular expression with a group `label`, looked for in each file name.")
    path_column = text_field("Column of the label file with the path of each picture.")
    label_column = text_field("Column of the label file with the class.")
    split_column = text_field("Column of the label file with the split.")
    split = serializers.ChoiceField(
        choices=SPLITS, default="", allow_blank=True, help_text="halves: the first half of the classes trains."
    )
    class_names = serializers.DictField(
        child=serializers.CharField(max_length=NAME_LENGTH),
        default=dict,
        help_text="New names of classes, by the names in the source.",
    )

    def validate_class_names(self, names: dict[str, str]) -> dict[str, str]:
        """Bound how many are renamed."""
        if len(names) > MOST_NAMES:
            raise serializers.ValidationError(f"rename at most {MOST_NAMES:,} classes, not {len(names):,}")
        return names
