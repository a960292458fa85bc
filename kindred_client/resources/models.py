"""Losses, metrics, models and indexes."""

from contextlib import ExitStack
from pathlib import Path

from kindred_client import answers
from kindred_client.api import Fields, Ref, Resource, given, key, opened
from kindred_client.downloads import Download
from kindred_client.pages import Pages


class Losses(Resource):
    """The losses that can be trained."""

    def list(self, *, fields: Fields = ()) -> answers.LossesList:
        """Return all of them."""
        return self._api.call("losses.list", answers.LossesList, query=given(fields=fields))

    def get(self, name: str, *, fields: Fields = ()) -> answers.LossesGet:
        return self._api.call("losses.get", answers.LossesGet, name, query=given(fields=fields))


class Metrics(Resource):
    """The metrics of models."""

    def list(self, *, fields: Fields = ()) -> answers.MetricsList:
        """Return all of them, in the order in which they are shown."""
        return self._api.call("metrics.list", answers.MetricsList, query=given(fields=fields))


class Models(Resource):
    """Trained models: members see the published ones, curators all."""

    def list(
        self,
        *,
        dataset: Ref | None = None,
        loss: str | None = None,
        published: bool | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        fields: Fields = (),
    ) -> Pages[answers.ModelsList]:
        query = given(
            dataset=None if dataset is None else key(dataset),
            loss=loss,
            published=published,
            limit=limit,
            cursor=cursor,
            fields=fields,
        )
        return self._api.pages("models.list", answers.ModelsList, query=query)

    def get(self, model: Ref, *, fields: Fields = ()) -> answers.ModelsGet:
        return self._api.call("models.get", answers.ModelsGet, model, query=given(fields=fields))

    def create(
        self,
        dataset: Ref,
        *,
        name: str = "",
        weights: str | Path | None = None,
        description: str | Path | None = None,
        embeddings: str | Path | None = None,
        images: str | Path | None = None,
    ) -> answers.ModelsCreate:
        """Start the import of an external model.

        Give weights (.onnx or .safetensors) with their description (.json), or embeddings (.npy) with the images
        of their rows (.csv).
        """
        chosen = given(weights=weights, description=description, embeddings=embeddings, images=images)
        with ExitStack() as stack:
            parts = [opened(field, path, stack) for field, path in chosen.items()]
            body = {"dataset": key(dataset), "name": name}
            return self._api.call("models.create", answers.ModelsCreate, data=body, files=parts)

    def diagnostics(self, model: Ref) -> answers.ModelsDiagnostics:
        """Return the diagnostics: held-out classes, worst queries and hubs."""
        return self._api.call("models.diagnostics", answers.ModelsDiagnostics, model)

    def files(self, model: Ref) -> answers.ModelsFiles:
        """List its files."""
        return self._api.call("models.files", answers.ModelsFiles, model)

    def file(self, model: Ref, part: str) -> Download:
        """Return one of its files, by the `part` that `files` names."""
        return self._api.download("models.file", model, part)

    def publish(self, model: Ref, *, if_match: str = "") -> answers.ModelsPublish:
        """Publish it: people can search with it."""
        return self._api.call("models.publish", answers.ModelsPublish, model, if_match=if_match)

    def unpublish(self, model: Ref, *, if_match: str = "") -> answers.ModelsUnpublish:
        """Unpublish it: searches do not use it."""
        return self._api.call("models.unpublish", answers.ModelsUnpublish, model, if_match=if_match)

    def resume(self, model: Ref, *, if_match: str = "") -> answers.ModelsResume:
        """Resume an external model that was suspended after too many failures."""
        return self._api.call("models.resume", answers.ModelsResume, model, if_match=if_match)


class Indexes(Resource):
    """Indexes of models, for curators."""

    def list(
        self,
        *,
        model: Ref | None = None,
        dataset: Ref | None = None,
        active: bool | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        fields: Fields = (),
    ) -> Pages[answers.IndexesList]:
        query = given(
            model=None if model is None else key(model),
            dataset=None if dataset is None else key(dataset),
            active=active,
            limit=limit,
            cursor=cursor,
            fields=fields,
        )
        return self._api.pages("indexes.list", answers.IndexesList, query=query)

    def get(self, index: Ref, *, fields: Fields = ()) -> answers.IndexesGet:
        return self._api.call("indexes.get", answers.IndexesGet, index, query=given(fields=fields))

    def build(self, model: Ref, *, dataset: Ref | None = None) -> answers.IndexesBuild:
        """Start building an index of a model; default: of its own data set."""
        body = given(model=key(model), dataset=None if dataset is None else key(dataset))
        return self._api.call("indexes.build", answers.IndexesBuild, json=body)

    def activate(self, index: Ref, *, if_match: str = "") -> answers.IndexesActivate:
        """Activate it: a new one, or an older one to roll back."""
        return self._api.call("indexes.activate", answers.IndexesActivate, index, if_match=if_match)
