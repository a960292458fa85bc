import hashlib
import shutil

import pytest

from jobs.models import Job
from retrieval.registry.services import indexes, model_files
from tests.retrieval.world import World, done

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def test_every_file_of_a_model_has_its_size_and_checksum(world: World) -> None:
    model = world.models[0]
    files = {file["name"]: file for file in model_files.files_of(model)}
    assert set(files) == {file.name for file in model.folder.iterdir()}
    for name, file in files.items():
        data = (model.folder / name).read_bytes()
        assert (file["size"], file["sha256"]) == (len(data), hashlib.sha256(data).hexdigest()), name


def test_a_model_whose_folder_is_gone_has_no_files(world: World) -> None:
    shutil.rmtree(world.models[0].folder)
    assert model_files.files_of(world.models[0]) == []


def test_every_index_tells_its_settings_its_cost_and_its_job(world: World) -> None:
    model = world.models[0]
    job = indexes.submit_index(model, by=None)
    done(job)
    new, old = indexes.indexes_of(model)
    assert new["job"] == job.pk and new["row"].active and not old["row"].active and old["is_stored"]
    assert new["bytes"] == sum(file.stat().st_size for file in new["row"].folder.iterdir() if file.suffix != ".json")
    assert new["seconds"] > 0 and (new["links"], new["candidates"]) == (16, 50)
    Job.objects.filter(pk=old["job"]).delete()
    shutil.rmtree(old["row"].folder)
    old = indexes.indexes_of(model)[1]
    assert old["job"] is None and not old["is_stored"]


def test_a_model_tells_which_job_made_it(world: World) -> None:
    assert world.models[0].run is not None and model_files.maker_of(world.models[0]) == world.models[0].run.job_id
