"""One tiny data set and one thread for everything that trains."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlcore.datasets import DatasetFolder, import_pictures, load_dataset, open_source


@pytest.fixture(scope="session")
def one_thread() -> Iterator[None]:
    """Keep torch to one thread: small tensors are faster so, and sums have one order."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def wings(one_thread: None, tmp_path_factory: pytest.TempPathFactory) -> DatasetFolder:
    """Eight classes of six drawn butterflies, four of them to train."""
    folder = tmp_path_factory.mktemp("sets") / "wings"
    with open_source("wings:species=8,per_class=6,size=32") as source:
        import_pictures(source, folder)
    return load_dataset(folder)


@pytest.fixture(scope="session")
def cache_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pixels and features that all runs share."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def own_signals() -> Iterator[None]:
    """Put the handlers of signals back that a command takes."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
