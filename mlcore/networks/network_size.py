"""A bound on the size of networks while they are built: a few numbers in a description can ask for any size."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn
from torch.nn.modules.module import (
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
)

MOST_MODULES = 5_000  # the deepest architecture of timm has 1,800
MOST_PARAMETERS = 2**31  # 8 GB of float32


@contextmanager
def bounded_size(modules: int | None = None, parameters: int | None = None) -> Iterator[None]:
    """Stop this thread from building a larger network: what is too much is refused before it is filled.

    Raises:
        ValueError: more modules or parameters than given are put together.
    """
    modules, parameters = modules or MOST_MODULES, parameters or MOST_PARAMETERS
    thread, found = threading.get_ident(), {"modules": 0, "parameters": 0}

    def count(what: str, more: int, most: int) -> None:
        if threading.get_ident() != thread:
            return
        found[what] += more
        if found[what] > most:
            raise ValueError(f"the network would have more than {most:,} {what}")

    def count_module(parent: nn.Module, name: str, module: nn.Module | None) -> None:
        count("modules", 1, modules)

    def count_parameter(parent: nn.Module, name: str, parameter: nn.Parameter | None) -> None:
        count("parameters", 0 if parameter is None else parameter.numel(), parameters)

    hooks = (
        register_module_module_registration_hook(count_module),
        register_module_parameter_registration_hook(count_parameter),
    )
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
