"""The pictures of a data set as curators see them: hidden ones too."""

from accounts.roles import Visitor
from retrieval.datasets.services.classes import find_class
from retrieval.datasets.services.long_lists import LongList, count_visible
from retrieval.datasets.services.visibility import pictures_being_deleted, visible_images
from retrieval.models import Dataset


def pictures_to_curate(
    dataset: Dataset, user: Visitor, *, class_name: str = "", hidden: bool | None = None
) -> LongList:
    """Return the pictures that a curator may change, class by class.

    class_name: of this class alone; none where there is no such class. hidden: the hidden ones, or those that are not.
    """
    images = visible_images(user).filter(dataset=dataset).named()
    order = ("label", "pk")
    if hidden is not None:
        images = images.filter(hidden=hidden)
    if class_name:
        label = find_class(dataset, class_name)
        images = images.none() if label is None else images.filter(label=label)
        return LongList(images, order, images.count())
    visible = 0 if hidden else count_visible(dataset)
    return LongList(images, order, visible if hidden is False else visible + _hidden(dataset))


def _hidden(dataset: Dataset) -> int:
    """Return how many hidden pictures a data set has; those that are being deleted are no longer listed."""
    hidden = dataset.images.filter(hidden=True)
    return hidden.count() - hidden.filter(pk__in=pictures_being_deleted()).count()
