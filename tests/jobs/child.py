"""A child that walks: one event a step, its pid noted, gone when its parent is."""

import json
import os
import sys
import threading
import time
from pathlib import Path


def follow_parent() -> None:
    sys.stdin.read()
    os._exit(3)


def main(folder: Path, steps: int) -> None:
    threading.Thread(target=follow_parent, daemon=True).start()
    with (folder / "pids").open("a") as file:
        file.write(f"{os.getpid()}\n")
    for step in range(steps):
        sys.stdout.write(json.dumps({"event": "step", "step": step}) + "\n")
        sys.stdout.flush()
        time.sleep(0.1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
