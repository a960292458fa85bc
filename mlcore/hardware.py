"""The names of this machine's processor and GPUs, without PyTorch, which takes seconds and 200 MB to load."""

import os
import platform
import shutil
import subprocess
from collections import Counter
from pathlib import Path

CPU_FACTS = Path("/proc/cpuinfo")
SECONDS = 10.0  # for the driver of a GPU to answer


def processor() -> str:
    """Return the processor's name as the system knows it."""
    if CPU_FACTS.is_file():
        for line in CPU_FACTS.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def device_name() -> str:
    """Return the names of the GPUs that this process may use; without any, of the processor, with its cores."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    gpus = [f"{count} × {name}" if count > 1 else name for name, count in Counter(_gpus()).items()]
    return ", ".join(gpus) or f"{processor()}, {cores} cores"


def _gpus() -> list[str]:
    """Return the names of NVIDIA GPUs, as far as `CUDA_VISIBLE_DEVICES` shows them."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if shutil.which("nvidia-smi") is None or visible in ("", "-1"):
        return []
    command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader", *([f"--id={visible}"] if visible else [])]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):  # a driver without a GPU, or a number that it does not have
        return []
    return [line.strip() for line in found.stdout.splitlines() if line.strip()]
