"""The WSGI environment of a request that a server gives as an ASGI scope."""

import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

Environ = dict[str, Any]
OWN_NAMES = {"content-length": "CONTENT_LENGTH", "content-type": "CONTENT_TYPE"}


def environ_of(scope: Mapping[str, Any]) -> Environ:
    """Return the environment, without the body. Texts are bytes as latin-1, as PEP 3333 has them."""
    host, port = scope.get("server") or ("localhost", 80)
    root = scope.get("root_path", "").encode().decode("latin-1")
    environ: Environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": root,
        "PATH_INFO": _path(scope).removeprefix(root) or "/",
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": (scope.get("client") or ("", 0))[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    return environ | _headers(scope)


def _path(scope: Mapping[str, Any]) -> str:
    """Return the path byte by byte; the decoded one has lost what is not UTF-8."""
    raw = scope.get("raw_path")
    return (unquote_to_bytes(raw) if raw else scope["path"].encode()).decode("latin-1")


def _headers(scope: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers; one with an underscore would pass for one with a hyphen, which a proxy may have set."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if "_" in name:
            continue
        key = OWN_NAMES.get(name) or f"HTTP_{name.upper().replace('-', '_')}"
        divided = "; " if name == "cookie" else ","
        headers[key] = f"{headers[key]}{divided}{value}" if key in headers else value
    return headers
