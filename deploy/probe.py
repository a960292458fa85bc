"""Whether the site of this container answers /livez or /readyz with 200: `python deploy/probe.py /readyz`."""

import os
import sys
from urllib.request import ProxyHandler, build_opener

SECONDS = 4
url = f"http://127.0.0.1:{os.environ.get('KINDRED_PORT', '8000')}{sys.argv[1]}"
try:
    build_opener(ProxyHandler({})).open(url, timeout=SECONDS).close()  # what is not 200 raises as well
except OSError as error:
    sys.exit(f"{url}: {error}")
