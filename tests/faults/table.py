"""Every fault by name: what it does, in a sentence, and what it needs beside the site."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """A fault. family: the module whose function has its name; needs: services beside database, broker and cache.

    is_quick: whether every change is tested with it.
    """

    name: str
    family: str
    done: str
    needs: frozenset[str] = frozenset()
    is_quick: bool = False


def _family(family: str, *faults: tuple[str, str], needs: str = "", quick: str = "") -> list[Fault]:
    return [
        Fault(name, family, done, frozenset(needs.split()), is_quick=name in quick.split()) for name, done in faults
    ]


TABLE = (
    *_family(
        "processes",
        ("kill-web", "SIGKILL of the web server and its worker; started again; an experiment was sent meanwhile"),
        ("kill-work", "SIGKILL of the worker of `work,index` while it built an index; started again"),
        ("kill-train", "SIGKILL of the worker of `train` after two epochs; started again"),
        ("kill-child", "SIGKILL of the child process that trained, after two epochs; its job was retried"),
        ("kill-beat", "SIGKILL of beat, then of the worker whose job it had to take back; both started again"),
        quick="kill-web kill-train",
    ),
    *_family("processes", ("kill-encoder", "SIGKILL of the encoder of a web host; started again"), needs="encoder"),
    *_family(
        "services",
        ("database-restarted", "PostgreSQL ended every connection of the site, and refused new ones for 3 s"),
        ("database-away", "PostgreSQL away for 30 s during a training"),
        ("broker-restarted", "every connection to the broker was cut during a training"),
        ("broker-away", "the broker away for 30 s; an index was ordered meanwhile"),
        ("cache-away", "Redis as the cache away for 30 s"),
        quick="database-restarted",
    ),
    *_family(
        "services",
        ("storage-stopped", "the S3 server stopped for 30 s (SIGSTOP), then continued, during a training"),
        ("storage-away", "connections to the S3 server refused for 30 s; an index was ordered meanwhile"),
        needs="s3",
    ),
    *_family("services", ("milvus-restarted", "SIGKILL of Milvus, and its start on the same data"), needs="milvus"),
    *_family("services", ("milvus-away", "connections to Milvus refused for 30 s"), needs="milvus"),
    *_family(
        "files",
        ("corrupt-index", "a byte of the active index's graph flipped; the web server started again"),
        ("corrupt-manifest", "the manifest of the active index cut in half; the web server started again"),
        ("corrupt-checkpoint", "a byte of the newest checkpoint flipped, and the worker of the training killed"),
    ),
    *_family(
        "files",
        ("corrupt-object", "a byte of the index's graph flipped in S3; a new host without copies started"),
        needs="s3",
    ),
    *_family(
        "activation",
        ("two-hosts-activate", "two processes activated two indexes of one model at the same moment, 40 times"),
        quick="two-hosts-activate",
    ),
    *_family(
        "disks",
        ("full-search", "the disk of the web server full, people searched with pictures of their own"),
        ("full-import", "the disk full during an import; retried with space"),
        ("full-training", "the disk full after the second epoch of a training; retried with space"),
        ("full-index", "the disk full during the build of an index; retried with space"),
        ("full-backup", "the disk of the backup full; continued with space"),
        needs="small_disk",
    ),
    *_family(
        "clock",
        ("clock-forwards", "the clocks of web, workers and beat an hour ahead, one after the other, during a training"),
        ("clock-backwards", "the same an hour behind"),
    ),
)

FAULTS = {fault.name: fault for fault in TABLE}
