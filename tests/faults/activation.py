"""Two hosts that activate different indexes of one model at the same moment."""

import subprocess
import sys
import time

from retrieval.models import Index
from retrieval.registry.services.indexes import submit_index
from tests.faults.stack import PATIENCE, Stack
from tests.jobs.live import wait_until
from tests.retrieval.world import done

TIMES = 40
STEP = 0.25  # seconds between two rounds
SCRIPT = """
import sys, time, django
django.setup()
from retrieval.models import Index
from retrieval.registry.services.indexes import activate
index, times, step = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
Index.objects.get(pk=index)
print("ready", flush=True)
start = float(sys.stdin.readline())
for number in range(times):
    time.sleep(max(0, start + number * step - time.time()))
    activate(Index.objects.get(pk=index))
"""


def two_hosts_activate(stack: Stack) -> None:
    """After each round exactly one is active, whichever was last; searches never miss one."""
    model = stack.world.models[0]
    pair = [stack.world.index_of(model).pk]
    done(submit_index(model, by=None))
    pair.append(stack.world.index_of(model).pk)
    hosts = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(pk), str(TIMES), str(STEP)],
            env={**stack.live.env, "DJANGO_SETTINGS_MODULE": "config.settings"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for pk in pair
    ]
    try:
        seen = _raced(hosts, model.pk)
    finally:
        for host in hosts:
            host.kill()
    assert [host.wait() for host in hosts] == [0, 0]
    assert seen == set(pair), "both were active at times"
    stack.saw(f"one active index after each of {2 * TIMES} activations")


def _raced(hosts: "list[subprocess.Popen[str]]", model: int) -> set[int]:
    """Let both begin at the same moment; return which indexes were seen to be the active one."""
    for host in hosts:
        assert host.stdout is not None
        assert any(line.strip() == "ready" for line in host.stdout), "it ended before it began"
    start = time.time() + 1
    for host in hosts:
        assert host.stdin is not None
        host.stdin.write(f"{start}\n")
        host.stdin.flush()
    seen = set[int]()

    def over() -> bool:
        [active] = Index.objects.filter(model=model, active=True).values_list("pk", flat=True)
        seen.add(active)
        return all(host.poll() is not None for host in hosts)

    wait_until(over, PATIENCE, lambda: "the end of both hosts")
    return seen
