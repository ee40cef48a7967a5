"""The server's doors: TCP ports and Unix sockets, with or without TLS."""

from __future__ import annotations

import base64
import binascii
import shutil
import socket
import ssl
import tempfile
from collections.abc import Sequence
from pathlib import Path

import structlog
from msgspec import Struct

from limen.core.config import Config
from limen.core.configkeys import variable
from limen.core.configserver import AdminServer, TlsSource
from limen.core.configserver import Socket as Rights

BACKLOG = 2048  # connections that may wait to be taken
UNIX = "unix:"
_log = structlog.get_logger("limen.listen")


class StartError(Exception):
    """The server cannot start; the text is for the operator and says what to do."""


class Listener(Struct, frozen=True):
    """One of the server's doors."""

    name: str
    host: str
    port: int
    tls: ssl.SSLContext | None = None
    rights: Rights = Rights()
    is_optional: bool = False  # nobody asked for it: when its port is taken, the server does without

    @property
    def path(self) -> Path | None:
        """The file of a Unix socket."""
        return Path(self.host.removeprefix(UNIX)) if self.host.startswith(UNIX) else None


def listeners(config: Config) -> list[Listener]:
    """:raises StartError: a certificate cannot be used"""
    found = [_listener("public", config.serve.public), _listener("admin", config.serve.admin)]
    own = config.limen.console
    if own.enabled is not False:
        found.append(Listener("console", own.host, own.port, is_optional=own.enabled is None))
    return found


def _listener(name: str, own: AdminServer) -> Listener:
    tls = None
    if own.tls and own.tls.cert and own.tls.key:
        tls = Certificate(f"serve.{name}.tls", own.tls.cert, own.tls.key).context
    return Listener(name, own.host, own.port, tls, own.socket)


# --- sockets ----------------------------------------------------------------------------------------------------------


def bind_all(found: Sequence[Listener]) -> tuple[list[tuple[Listener, socket.socket]], list[str]]:
    """The sockets of all listeners; and what to tell about those that nobody asked for, and that cannot be had.

    :raises StartError: an address is in use or not ours
    """
    opened, untold = [], []
    for one in found:
        try:
            sock = bind(one)
            if one.is_optional:
                listen(one, sock)  # now, and not with the others: whoever loses a race for it can still do without
            opened.append((one, sock))
        except StartError as error:
            if not one.is_optional:
                raise
            untold.append(f"{error} Until then there is no operator's API.")
    return opened, untold


def bind(listener: Listener) -> socket.socket:
    """:raises StartError: the address is in use or not ours"""
    if listener.path:
        return _bind_path(listener, listener.path)
    family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((listener.host, listener.port))
    except OSError as error:
        opened.close()
        raise _closed(listener, error) from error
    return opened


def listen(listener: Listener, opened: socket.socket) -> None:
    """Let connections in; until a server takes them they wait.

    :raises StartError: another process came first, which shows only now when both began at the same time
    """
    try:
        opened.listen(BACKLOG)
    except OSError as error:
        opened.close()
        raise _closed(listener, error) from error


def _closed(listener: Listener, error: OSError) -> StartError:
    name = variable((*_key(listener).split("."), "port"))
    return StartError(
        f"The {listener.name} port {listener.host}:{listener.port} cannot be opened: {error.strerror}. "
        f"Stop what uses it, or set {_key(listener)}.port to a free one (variable {name})."
    )


def _key(listener: Listener) -> str:
    return f"limen.{listener.name}" if listener.name == "console" else f"serve.{listener.name}"


def _bind_path(listener: Listener, path: Path) -> socket.socket:
    """A socket in the file system, with the rights it is to have. What a dead server left behind is replaced."""
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    rights = listener.rights
    try:
        if path.is_socket():
            if _answers(path):
                raise StartError(f"The {listener.name} socket {path} is in use: another server listens there.")
            path.unlink()
        opened.bind(str(path))
        path.chmod(rights.mode)
        if rights.owner:
            shutil.chown(path, user=rights.owner)
        if rights.group:
            shutil.chown(path, group=rights.group)
    except (OSError, LookupError) as error:  # LookupError: nobody has that name
        opened.close()
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise StartError(f"The {listener.name} socket {path} cannot be opened: {why}.") from error
    except StartError:
        opened.close()
        raise
    return opened


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        return caller.connect_ex(str(path)) == 0


def close(listener: Listener) -> None:
    """Take away what a closed Unix socket leaves behind."""
    if listener.path:
        listener.path.unlink(missing_ok=True)


# --- TLS --------------------------------------------------------------------------------------------------------------


class Certificate:
    """A door's certificate and key. Files that changed are read again at the next handshake: renewing needs no restart."""

    def __init__(self, where: str, certificate: TlsSource, key: TlsSource) -> None:
        """:raises StartError: a file cannot be read, or the two do not belong together"""
        self._where, self._certificate, self._key = where, certificate, key
        self._seen = self._times()
        self._newest = self.context = self._read()
        self.context.sni_callback = self._renew

    def _renew(self, handshake: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        times = self._times()
        if times != self._seen:
            self._seen = times
            try:
                self._newest = self._read()
            except StartError as error:
                _log.error("tls", error=f"{error} The certificate in use stays.")
        handshake.context = self._newest

    def _times(self) -> list[int]:
        files = [Path(source.path) for source in (self._certificate, self._key) if source.path]
        return [file.stat().st_mtime_ns for file in files if file.exists()]

    def _read(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            with tempfile.TemporaryDirectory(prefix="limen-tls-") as folder:  # the library takes nothing but files
                certificate, key = Path(folder, "certificate"), Path(folder, "key")
                certificate.write_bytes(certificate_of(self._certificate))
                key.write_bytes(certificate_of(self._key))
                context.load_cert_chain(certificate, key, password=_no_password)
        except OSError as error:  # ssl.SSLError is one
            file = f"{error.filename}: " if error.filename else ""
            raise StartError(f"{self._where} cannot be used: {file}{error.strerror or error}.") from error
        except binascii.Error as error:
            raise StartError(f"{self._where} cannot be used: this is not base64: {error}.") from error
        return context


def certificate_of(source: TlsSource) -> bytes:
    """The PEM text of a certificate or a key.

    :raises OSError: the file cannot be read
    :raises binascii.Error: it is not base64
    """
    if source.path:
        return Path(source.path).read_bytes()
    return base64.b64decode("".join((source.base64 or "").split()), validate=True)


def _no_password() -> str:
    """An encrypted key would make the library ask on the terminal."""
    return ""
