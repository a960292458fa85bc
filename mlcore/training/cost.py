"""The cost of a run in time and memory: the only part of its folder that no two runs share."""

import resource
import sys
from collections.abc import Sequence
from statistics import median

import torch

from mlcore.events import Event
from mlcore.hardware import processor
from mlcore.runs import Cost


def cost_of(history: Sequence[Event], device: torch.device) -> Cost:
    """Return seconds of training, pictures a second, peak memory in MiB, and the hardware, as plain JSON.

    Memory is the process's largest resident set, or what tensors took on a GPU. Interrupted and resumed
    runs count the seconds of every epoch, and the memory of the last process.
    """
    on_gpu = device.type == "cuda"
    speeds = [event["images_per_second"] for event in history]
    return {
        "train_seconds": round(sum(event["seconds"] for event in history), 2),
        "images_per_second": median(speeds) if speeds else None,
        "peak_memory_mib": round(_gpu_bytes(device) / 2**20 if on_gpu else peak_resident_bytes() / 2**20, 1),
        "device": torch.cuda.get_device_name(device) if on_gpu else processor(),
        "threads": torch.get_num_threads(),
    }


def peak_resident_bytes() -> int:
    """Return the largest resident set of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _gpu_bytes(device: torch.device) -> int:
    return int(torch.cuda.max_memory_allocated(device))
