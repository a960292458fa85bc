"""Losses, metrics, models and indexes."""

from contextlib import ExitStack
from pathlib import Path

from kindred_client import response_types
from kindred_client.api import Fields, Ref, Resource, given, key, opened
from kindred_client.downloads import Download
from kindred_client.pages import Pages


class Losses(Resource):
    """The losses that can be trained."""

    def list(self, *, fields: Fields = ()) -> response_types.LossesList:
        """Return all of them."""
        return self._api.call("losses.list", response_types.LossesList, query=given(fields=fields))

    def get(self, name: str, *, fields: Fields = ()) -> response_types.LossesGet:
        return self._api.call("losses.get", response_types.LossesGet, name, query=given(fields=fields))


class Metrics(Resource):
    """The metrics of models."""

    def list(self, *, fields: Fields = ()) -> response_types.MetricsList:
        """Return all of them, in the order in which they are shown."""
        return self._api.call("metrics.list", response_types.MetricsList, query=given(fields=fields))


class Models(Resource):
    """Trained models: members see the published ones, curators all."""

    def list(
        self,
        *,
        dataset: Ref | None = None,
        loss: str | None = None,
        published: bool | None = None,
        archived: bool | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        fields: Fields = (),
    ) -> Pages[response_types.ModelsList]:
        query = given(
            dataset=None if dataset is None else key(dataset),
            loss=loss,
            published=published,
            archived=archived,
            limit=limit,
            cursor=cursor,
            fields=fields,
        )
        return self._api.pages("models.list", response_types.ModelsList, query=query)

    def get(self, model: Ref, *, fields: Fields = ()) -> response_types.ModelsGet:
        return self._api.call("models.get", response_types.ModelsGet, model, query=given(fields=fields))

    def create(
        self,
        dataset: Ref,
        *,
        name: str = "",
        weights: str | Path | None = None,
        description: str | Path | None = None,
        embeddings: str | Path | None = None,
        images: str | Path | None = None,
    ) -> response_types.ModelsCreate:
        """Start the import of an external model.

        Give weights (.onnx or .safetensors) with their description (.json), or embeddings (.npy) with the images
        of their rows (.csv).
        """
        chosen = given(weights=weights, description=description, embeddings=embeddings, images=images)
        with ExitStack() as stack:
            parts = [opened(field, path, stack) for field, path in chosen.items()]
            body = {"dataset": key(dataset), "name": name}
            return self._api.call("models.create", response_types.ModelsCreate, data=body, files=parts)

    def diagnostics(self, model: Ref) -> response_types.ModelsDiagnostics:
        """Return the diagnostics: held-out classes, worst queries and hubs."""
        return self._api.call("models.diagnostics", response_types.ModelsDiagnostics, model)

    def files(self, model: Ref) -> response_types.ModelsFiles:
        """List its files."""
        return self._api.call("models.files", response_types.ModelsFiles, model)

    def file(self, model: Ref, part: str) -> Download:
        """Return one of its files, by the `part` that `files` names."""
        return self._api.download("models.file", model, part)

    def delete(self, model: Ref, *, if_match: str = "") -> response_types.ModelsDelete:
        """Start deleting it with its run, files and indexes; a conflict while ratings or marks refer to results."""
        return self._api.call("models.delete", response_types.ModelsDelete, model, if_match=if_match)

    def archive(self, model: Ref, *, if_match: str = "") -> response_types.ModelsArchive:
        """Archive it: it is unpublished, lists leave it out, results and ratings stay."""
        return self._api.call("models.archive", response_types.ModelsArchive, model, if_match=if_match)

    def restore(self, model: Ref, *, if_match: str = "") -> response_types.ModelsRestore:
        """Restore an archived model, which stays unpublished."""
        return self._api.call("models.restore", response_types.ModelsRestore, model, if_match=if_match)

    def publish(self, model: Ref, *, if_match: str = "") -> response_types.ModelsPublish:
        """Publish it: people can search with it."""
        return self._api.call("models.publish", response_types.ModelsPublish, model, if_match=if_match)

    def unpublish(self, model: Ref, *, if_match: str = "") -> response_types.ModelsUnpublish:
        """Unpublish it: searches do not use it."""
        return self._api.call("models.unpublish", response_types.ModelsUnpublish, model, if_match=if_match)

    def set_default(self, model: Ref, *, if_match: str = "") -> response_types.ModelsSetDefault:
        """Let new searches take it unless people choose others."""
        return self._api.call("models.set_default", response_types.ModelsSetDefault, model, if_match=if_match)

    def unset_default(self, model: Ref, *, if_match: str = "") -> response_types.ModelsUnsetDefault:
        """Let new searches take the best models of each data set again, unless others are set."""
        return self._api.call("models.unset_default", response_types.ModelsUnsetDefault, model, if_match=if_match)

    def resume(self, model: Ref, *, if_match: str = "") -> response_types.ModelsResume:
        """Resume an external model that was suspended after too many failures."""
        return self._api.call("models.resume", response_types.ModelsResume, model, if_match=if_match)


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
    ) -> Pages[response_types.IndexesList]:
        query = given(
            model=None if model is None else key(model),
            dataset=None if dataset is None else key(dataset),
            active=active,
            limit=limit,
            cursor=cursor,
            fields=fields,
        )
        return self._api.pages("indexes.list", response_types.IndexesList, query=query)

    def get(self, index: Ref, *, fields: Fields = ()) -> response_types.IndexesGet:
        return self._api.call("indexes.get", response_types.IndexesGet, index, query=given(fields=fields))

    def build(self, model: Ref, *, dataset: Ref | None = None) -> response_types.IndexesBuild:
        """Start building an index of a model; default: of its own data set."""
        body = given(model=key(model), dataset=None if dataset is None else key(dataset))
        return self._api.call("indexes.build", response_types.IndexesBuild, json=body)

    def activate(self, index: Ref, *, if_match: str = "") -> response_types.IndexesActivate:
        """Activate it: a new one, or an older one to roll back."""
        return self._api.call("indexes.activate", response_types.IndexesActivate, index, if_match=if_match)

    def label_issues(self, index: Ref) -> response_types.IndexesLabelIssues:
        """Return the pictures whose label looks wrong by their neighbours in the index, most certain first."""
        return self._api.call("indexes.label_issues", response_types.IndexesLabelIssues, index)
