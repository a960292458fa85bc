"""A healthy site, for faults to be planted in, and servers that are wrong in one way each."""

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.db import connection
from pytest_django import Settings

from config.places import keep_private_folder
from operations.services.doctor import versions
from tests.operations.doctor.doctoring import Doctor

HOST = "127.0.0.2"  # this machine by a name that is not local to the site

Talk = Callable[[socket.socket], None]
"""What a server does with a connection; it is closed afterwards."""


@pytest.fixture
def healthy(transactional_db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Doctor:
    """Return a doctor that has just found no failure; checks have connections of their own, so rows are committed."""
    for folder in (settings.VAR_DIR, settings.MEDIA_ROOT, settings.CACHE_DIR):
        keep_private_folder(Path(folder))
    settings.EMAIL_FILE_PATH = keep_private_folder(Path(settings.VAR_DIR) / "mail")
    if connection.vendor == "sqlite":
        for file in Path(connection.settings_dict["NAME"]).parent.glob("*.sqlite3*"):
            file.chmod(0o600)
    monkeypatch.setattr(versions, "LIBRARIES", {"hnswlib": "import hnswlib"})  # torch takes seconds
    return Doctor().found_healthy()


@pytest.fixture
def serve() -> Iterator[Callable[[Talk], int]]:
    """Return a function that starts a server on this machine and returns its port."""
    with ExitStack() as ends:

        def start(talk: Talk, host: str = "127.0.0.1") -> int:
            listening = ends.enter_context(socket.create_server((host, 0)))
            threading.Thread(target=_accept, args=(listening, talk), daemon=True).start()
            return int(listening.getsockname()[1])

        yield start


def _accept(listening: socket.socket, talk: Talk) -> None:
    while True:
        try:
            there, _ = listening.accept()
        except OSError:  # the test is over
            return
        threading.Thread(target=_talk, args=(there, talk), daemon=True).start()


def _talk(there: socket.socket, talk: Talk) -> None:
    with there:
        there.settimeout(10)
        try:
            talk(there)
        except OSError:  # the client has left
            return


def make_certificate(folder: Path, days: int) -> tuple[Path, Path]:
    """Write a certificate of HOST that expires in so many days, and its key; it vouches for itself."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kindred")])
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=90))
        .not_valid_after(now + datetime.timedelta(days=days, hours=1))
        .add_extension(alternative, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, plain)
    )
    return certificate, private


@pytest.fixture
def serve_tls(
    serve: Callable[[Talk, str], int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[int], int]]:
    """Return a function that starts a TLS server with a certificate for so many days, which this process trusts."""

    def start(days: int) -> int:
        certificate, key = make_certificate(tmp_path, days)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)

        def talk(there: socket.socket) -> None:
            with context.wrap_socket(there, server_side=True) as secure:
                secure.recv(1)

        return serve(talk, HOST)

    yield start
