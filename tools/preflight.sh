#!/bin/sh
# Says in one sentence what is missing before anything starts.
# preflight.sh --newest    prints the newest Python that can make the environment, or nothing
# preflight.sh PYTHON      fails with a sentence unless this Python and this machine can
# Newest first, and 3.14 last: every wheel exists for it, but the tests have not run there yet.
versions="3.13 3.12 3.11 3.14"
listed="3.11, 3.12, 3.13 or 3.14"

# A name on PATH is no proof: pyenv's shims are there for every version and fail for those not selected.
version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }
has_venv() { "$1" -c 'import venv, ensurepip' 2>/dev/null; }
has_headers() { "$1" -c 'import os, sysconfig; os.stat(os.path.join(sysconfig.get_path("include"), "Python.h"))' 2>/dev/null; }
is_whole() { has_venv "$1" && has_headers "$1"; }

# newest CHECK: the first of the versions that runs and passes the check, by any of its names.
newest() {
    for version in $versions; do
        for python in "python$version" python3 python; do
            if [ "$(version_of "$python")" = "$version" ] && "$1" "$python"; then
                echo "$python"
                return 0
            fi
        done
    done
    return 1
}

fail() {
    echo "$1" >&2
    exit 1
}

if [ "$1" = --newest ]; then
    # One that lacks something is better than none: the check then names what it lacks.
    newest is_whole || newest true
    exit 0
fi

python=$1
version=$(version_of "$python")
case " $versions " in
*" ${version:-none} "*) ;;
*)
    seen="none of them runs here"
    [ -z "$python" ] || seen="'$python' does not run"
    [ -z "$version" ] || seen="'$python' is $version"
    fail "Kindred needs Python $listed, and $seen: install one, or name it: make PYTHON=/path/to/python"
    ;;
esac
has_venv "$python" ||
    fail "Python $version has no venv module: install it (Debian: apt-get install python$version-venv)."
command -v c++ >/dev/null || command -v g++ >/dev/null ||
    fail "hnswlib is built from source and there is no C++ compiler: install one (Debian: apt-get install g++)."
has_headers "$python" ||
    fail "hnswlib is built from source and the headers of Python $version are missing: install them (Debian: apt-get install python$version-dev)."
free=$(df -Pk . | awk 'NR == 2 {print int($4 / 1048576)}')
[ "$free" -ge 5 ] ||
    fail "Kindred needs 5 GB of free disk here for its environment and data, and there are $free GB."
