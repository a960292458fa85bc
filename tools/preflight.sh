#!/bin/sh
# Says in one sentence what is missing before anything starts. Usage: preflight.sh PYTHON
python=$1
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
if [ "$version" != 3.11 ]; then
    echo "Kindred needs Python 3.11, and '$python' is ${version:-not there}: install it, or name it: make PYTHON=/path/to/python3.11" >&2
    exit 1
fi
if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
    echo "This Python has no venv module: install it (Debian: apt-get install python3.11-venv)." >&2
    exit 1
fi
if ! command -v c++ >/dev/null && ! command -v g++ >/dev/null; then
    echo "hnswlib is built from source and there is no C++ compiler: install one (Debian: apt-get install g++)." >&2
    exit 1
fi
include=$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')
if [ ! -e "$include/Python.h" ]; then
    echo "hnswlib is built from source and Python's headers are missing: install them (Debian: apt-get install python3.11-dev)." >&2
    exit 1
fi
free=$(df -Pk . | awk 'NR == 2 {print int($4 / 1048576)}')
if [ "$free" -lt 5 ]; then
    echo "Kindred needs 5 GB of free disk here for its environment and data, and there are $free GB." >&2
    exit 1
fi
