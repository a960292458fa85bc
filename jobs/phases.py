"""Phases of jobs in words: what a handler or its child process is doing, for people who do not know its code."""

TITLES = {
    "cache": "Decoding pictures",
    "clusters": "Measuring clusters",
    "decode": "Decoding pictures",
    "deleting": "Deleting files",
    "embed": "Computing embeddings",
    "encode": "Computing embeddings",
    "features": "Computing features",
    "files": "Deleting files",
    "further": "Computing further metrics",
    "hashes": "Comparing pictures",
    "import": "Reading and checking pictures",
    "index": "Building the index",
    "load": "Loading the network",
    "looks": "Comparing pictures",
    "map": "Drawing the map",
    "measure": "Evaluating",
    "metrics": "Computing metrics",
    "near-duplicates": "Looking for near-duplicates",
    "neighbours": "Looking for the nearest pictures",
    "pictures": "Reading pictures",
    "recall": "Checking the index",
    "report": "Writing the report",
    "test differences": "Testing differences",
    "train": "Training",
    "trials": "Tuning",
    "unpack": "Unpacking",
}


def title_of(phase: str) -> str:
    """Return the phase in words; one without a title begins with a capital."""
    return TITLES.get(phase, phase[:1].upper() + phase[1:])
