"""Requests about data sets, their classes and pictures."""

import io

from retrieval.models import Dataset
from tests.api.things import Ask, Scene, listed, thing
from tests.retrieval.pictures import jpeg

listed("GET /datasets/", "GET /images/")


class Photo(io.BytesIO):
    """A file that can be sent again and again."""

    name = "photo.jpg"

    def read(self, *args: int | None) -> bytes:
        self.seek(0)
        return super().read()


@thing("POST /datasets/")
def new_set(scene: Scene) -> Ask:
    return Ask("/datasets/", {"name": "Moths", "source": "wings:species=3,per_class=2,size=32"})


@thing("POST /datasets/preview/")
def a_preview(scene: Scene) -> Ask:
    return Ask("/datasets/preview/", {"source": "wings:species=3,per_class=2,size=32"})


@thing("GET /datasets/{id}/")
def one_set(scene: Scene) -> Ask:
    return Ask(f"/datasets/{scene.world.dataset.pk}/")


@thing("PATCH /datasets/{id}/")
def another_licence(scene: Scene) -> Ask:
    return Ask(f"/datasets/{scene.world.dataset.pk}/", {"licence": "CC0", "public": True})


@thing("DELETE /datasets/{id}/")
def a_set_that_nothing_needs(scene: Scene) -> Ask:
    return Ask(f"/datasets/{Dataset.objects.create(name='Spare', slug='spare', source='x').pk}/")


@thing("POST /datasets/{id}/reimport/")
def a_set_read_again(scene: Scene) -> Ask:
    return Ask(f"/datasets/{scene.world.dataset.pk}/reimport/", {"dry_run": True})


# --- classes


@thing("GET /datasets/{id}/classes/")
def every_class(scene: Scene) -> Ask:
    return Ask(f"/datasets/{scene.world.dataset.pk}/classes/")


@thing("PATCH /datasets/{id}/classes/{label}/")
def another_name(scene: Scene) -> Ask:
    return Ask(f"/datasets/{scene.world.dataset.pk}/classes/0/", {"name": "Dodo"})


@thing("POST /datasets/{id}/classes/{label}/merge/")
def two_classes(scene: Scene) -> Ask:
    dataset = scene.world.dataset
    return Ask(f"/datasets/{dataset.pk}/classes/0/merge/", {"into": dataset.class_names[1]})


# --- pictures of a set


def about_pictures(scene: Scene, action: str = "", **body: object) -> Ask:
    images = {"images": [image.pk for image in scene.world.test_images[:2]]}
    return Ask(f"/datasets/{scene.world.dataset.pk}/images/{action}", images | body)


@thing("GET /datasets/{id}/images/")
def pictures_of_a_set(scene: Scene) -> Ask:
    return Ask(f"/datasets/{scene.world.dataset.pk}/images/")


@thing("POST /datasets/{id}/images/")
def new_pictures(scene: Scene) -> Ask:
    dataset = scene.world.dataset
    body = {"pictures": [Photo(jpeg(1))], "class_name": dataset.class_names[0]}
    return Ask(f"/datasets/{dataset.pk}/images/", body, format="multipart")


@thing("POST /datasets/{id}/images/hide/")
def hidden_pictures(scene: Scene) -> Ask:
    return about_pictures(scene, "hide/")


@thing("POST /datasets/{id}/images/show/")
def shown_pictures(scene: Scene) -> Ask:
    return about_pictures(scene, "show/")


@thing("POST /datasets/{id}/images/relabel/")
def moved_pictures(scene: Scene) -> Ask:
    return about_pictures(scene, "relabel/", class_name=scene.world.dataset.class_names[0])


@thing("POST /datasets/{id}/images/delete/")
def deleted_pictures(scene: Scene) -> Ask:
    return about_pictures(scene, "delete/")


# --- single pictures


@thing("GET /images/{id}/")
@thing("DELETE /images/{id}/")
def one_picture(scene: Scene) -> Ask:
    return Ask(f"/images/{scene.world.test_images[0].pk}/")


@thing("GET /images/{id}/file/")
def file_of_a_picture(scene: Scene) -> Ask:
    return Ask(f"/images/{scene.world.test_images[0].pk}/file/")


@thing("PATCH /images/{id}/")
def hidden_picture(scene: Scene) -> Ask:
    return Ask(f"/images/{scene.world.test_images[0].pk}/", {"hidden": True})
