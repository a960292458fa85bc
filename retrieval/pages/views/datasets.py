"""Pages of data sets for everybody: the list, one with its pictures, and a picture."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from retrieval.datasets.services.classes import suggested_names
from retrieval.datasets.services.visibility import visible_datasets, visible_images
from retrieval.models import Dataset, Image
from retrieval.pages.services import browsing, dataset_cards

PAGE = 60
MOST_PAGES = 4
"""Pages of pictures in one list: the first, and three that come by scrolling, so that the footer stays in reach."""

MOST_WORDS = 200  # characters of a filter
MOST_SUGGESTIONS = 20
ON_THE_LIST = "picture-pages"  # id of what htmx replaces when it asks for the next page


@require_safe
def every_dataset(request: HttpRequest) -> HttpResponse:
    """List the data sets."""
    cards = dataset_cards.cards_of(list(visible_datasets(request.user)), request.user)
    return render(request, "retrieval/datasets.html", {"cards": cards})


@dataclass(frozen=True)
class _Pages:
    """Pictures of the pages `first` to `last` of `count`."""

    images: list[Image]
    first: int
    last: int
    count: int
    total: int

    @property
    def start(self) -> int:
        return (self.first - 1) * PAGE + 1 if self.total else 0

    @property
    def end(self) -> int:
        return min(self.last * PAGE, self.total)

    @property
    def before(self) -> int:
        """The first page of the list before this one."""
        return max(1, self.first - 1)

    @property
    def following(self) -> int | None:
        return self.last + 1 if self.last < self.count else None

    @property
    def grows(self) -> bool:
        """Whether the next page joins this list."""
        return self.following is not None and self.last - self.first + 1 < MOST_PAGES


def _pages(pictures: browsing.OrderedPictures, first: str, last: str, *, alone: bool) -> _Pages:
    """Return the pages that the URL names; nonsense is the first. alone: with the pictures of the last one only."""
    count = max(1, -(-len(pictures) // PAGE))
    begin = _number(first, count)
    end = max(begin, min(_number(last, count), begin + MOST_PAGES - 1))
    start = (end - 1 if alone else begin - 1) * PAGE
    return _Pages(pictures[start : end * PAGE], begin, end, count, len(pictures))


def _number(text: str, most: int) -> int:
    return min(max(1, int(text)), most) if text.isdecimal() and len(text) < 10 else 1


@require_safe
def detail(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a data set with its pictures; for htmx, which asks for more of them, the last page alone."""
    dataset = get_object_or_404(visible_datasets(request.user), slug=slug)
    if not dataset.is_ready:
        return render(request, "retrieval/dataset.html", {"dataset": dataset})
    filters, judge = _filters(request, dataset), browsing.judge_of(dataset, request.user)
    orders = browsing.orders_of(dataset, judge)
    order = request.GET.get("sort", "")
    order = order if order in orders else next(iter(orders))
    difficulty = browsing.difficulty_of(judge) if judge and order == browsing.HARDEST else None
    pictures = browsing.OrderedPictures(dataset, filters, order, difficulty)
    part = request.headers.get("HX-Target") == ON_THE_LIST
    pages = _pages(pictures, request.GET.get("page", ""), request.GET.get("through", ""), alone=part)
    context = {
        "dataset": dataset,
        "filters": filters,
        "orders": orders,
        "order": order,
        "difficulty": difficulty,
        "pages": pages,
        "tiles": [(image, difficulty.scores.get(image.pk) if difficulty else None) for image in pages.images],
    }
    answer = render(request, f"retrieval/{'_dataset_pictures' if part else 'dataset'}.html", context)
    patch_vary_headers(answer, ["HX-Request", "HX-Target"])
    return answer


def _filters(request: HttpRequest, dataset: Dataset) -> browsing.Filters:
    """Return the filters of the URL; nonsense is none."""
    split, label = request.GET.get("split", ""), request.GET.get("label", "")
    words = request.GET.get("class", "")[:MOST_WORDS].strip() if dataset.labelled else ""
    return browsing.Filters(
        split=split if split in Image.Split.values else "",
        words=words,
        label=int(label) if label.isdecimal() and len(label) < 10 else None,
    )


@require_safe
def class_suggestions(request: HttpRequest, slug: str) -> HttpResponse:
    """Give the options of a field for a class, a few that contain the words typed."""
    dataset = get_object_or_404(visible_datasets(request.user).filter(revision__gt=0), slug=slug)
    words = request.GET.get("class", "")[:MOST_WORDS].strip()
    names = suggested_names(dataset, words, MOST_SUGGESTIONS) if words else []
    return render(request, "retrieval/_class_options.html", {"names": names})


@require_safe
def picture_page(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show a picture: large, with its class, split, licence, and its neighbours in the class."""
    datasets = visible_datasets(request.user).filter(revision__gt=0)
    dataset = get_object_or_404(datasets, slug=slug)
    image = get_object_or_404(visible_images(request.user).filter(dataset=dataset).named(), pk=pk)
    context = {"dataset": dataset, "image": image, "place": browsing.place_in_class(image)}
    return render(request, "retrieval/dataset_picture.html", context)
