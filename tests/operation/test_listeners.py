"""The server's doors: HTTPS without a proxy, and Unix sockets."""

from __future__ import annotations

import base64
import socket
import ssl
import stat
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from tests.conftest import new_dsn
from tests.operation.conftest import Configure, MakeNode
from tests.support.process import Node, configured, free_port, limen, until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def context(authority: trustme.CA) -> ssl.SSLContext:
    made = ssl.create_default_context()
    authority.configure_trust(made)
    return made


def written(authority: trustme.CA, folder: Path) -> dict[str, Any]:
    """A fresh certificate for this machine in files; the `tls` of the configuration."""
    issued = authority.issue_cert("127.0.0.1", "localhost")
    (folder / "tls.crt").write_bytes(issued.cert_chain_pems[0].bytes())
    (folder / "tls.key").write_bytes(issued.private_key_pem.bytes())
    return {"cert": {"path": str(folder / "tls.crt")}, "key": {"path": str(folder / "tls.key")}}


def secure(node: Node) -> Node:
    """The same node, whose public port is asked over HTTPS."""
    node.public = node.public.replace("http://", "https://")
    return node


def serial(node: Node, authority: trustme.CA) -> str:
    """The serial number of the certificate that is shown to a new connection."""
    url = httpx.URL(node.public)
    with (
        socket.create_connection((url.host, url.port or 443)) as plain,
        context(authority).wrap_socket(plain, server_hostname=url.host) as tls,
    ):
        return str((tls.getpeercert() or {})["serialNumber"])


def test_https_from_files_that_are_renewed(
    dsn: str, configure: Configure, node: MakeNode, tmp_path: Path, authority: trustme.CA
) -> None:
    config = configure(dsn, {"serve": {"public": {"tls": written(authority, tmp_path)}}})
    one = secure(node(tmp_path, "-c", config)).start()
    assert httpx.get(one.public + "health/alive", verify=context(authority)).json() == {"status": "ok"}
    assert httpx.get(one.admin + "health/alive").json() == {"status": "ok"}
    before = serial(one, authority)
    assert serial(one, authority) == before
    time.sleep(0.05)  # the files' times have to differ
    written(authority, tmp_path)
    assert until(lambda: serial(one, authority) != before)
    (tmp_path / "tls.crt").write_text("no certificate")
    assert httpx.get(one.public + "health/alive", verify=context(authority)).status_code == 200
    assert "The certificate in use stays." in until(lambda: one.log if "stays" in one.log else "")


def test_https_from_the_configuration_itself(
    dsn: str, configure: Configure, node: MakeNode, tmp_path: Path, authority: trustme.CA
) -> None:
    issued = authority.issue_cert("127.0.0.1")
    tls = {
        "cert": {"base64": base64.b64encode(issued.cert_chain_pems[0].bytes()).decode()},
        "key": {"base64": base64.b64encode(issued.private_key_pem.bytes()).decode()},
    }
    one = secure(node(tmp_path, "-c", configure(dsn, {"serve": {"public": {"tls": tls}}}))).start()
    assert httpx.get(one.public + "health/alive", verify=context(authority)).status_code == 200


def test_old_tls_is_refused(
    dsn: str, configure: Configure, node: MakeNode, tmp_path: Path, authority: trustme.CA
) -> None:
    one = secure(
        node(tmp_path, "-c", configure(dsn, {"serve": {"public": {"tls": written(authority, tmp_path)}}}))
    ).start()
    old = context(authority)
    old.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    assert httpx.get(one.public + "health/alive", verify=old).status_code == 200
    with pytest.warns(DeprecationWarning, match="TLS"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(httpx.ConnectError):
        httpx.get(one.public + "health/alive", verify=old)


def test_a_certificate_that_cannot_be_used_is_told(
    dsn: str, configure: Configure, tmp_path: Path, authority: trustme.CA
) -> None:
    tls = written(authority, tmp_path)
    (tmp_path / "tls.key").write_bytes(authority.issue_cert("other").private_key_pem.bytes())
    done = limen(tmp_path, "serve", "-c", configure(dsn, {"serve": {"public": {"tls": tls}}}))
    assert done.returncode == 1
    assert "serve.public.tls cannot be used" in done.stderr


# --- the operators' port --------------------------------------------------------------------------------------------------


def test_of_servers_that_start_at_once_one_has_the_operators_port(node: MakeNode, tmp_path: Path) -> None:
    """Nobody asked for it, so that the others do without: they start."""
    asked = {"LIMEN_CONSOLE_ENABLED": "", "LIMEN_CONSOLE_PORT": str(free_port())}
    several = []
    for number in range(3):
        folder = tmp_path / str(number)
        folder.mkdir()
        several.append(node(folder, "-c", configured(folder, new_dsn("sqlite", folder)), "--dev", env=asked).begin())
    said = [one.ready().log for one in several]
    assert sum("there is no operator's API" in log for log in said) == len(several) - 1


# --- Unix sockets -------------------------------------------------------------------------------------------------------


def over(path: Path) -> httpx.Client:
    return httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), base_url="http://limen")


def answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        if probe.connect_ex(str(path)):
            return False
    with over(path) as client:
        return client.get("/health/ready").status_code == 200


def test_both_ports_on_sockets(dsn: str, configure: Configure, node: MakeNode, tmp_path: Path) -> None:
    public, admin = tmp_path / "public.sock", tmp_path / "admin.sock"
    serve = {
        "public": {"host": f"unix:{public}", "socket": {"mode": 0o660}},
        "admin": {"host": f"unix:{admin}", "socket": {"mode": 0o600}},
    }
    one = node(tmp_path, "-c", configure(dsn, {"serve": serve})).begin()
    until(lambda: answers(public))
    assert [stat.S_IMODE(path.stat().st_mode) for path in (public, admin)] == [0o660, 0o600]
    with over(public) as client:
        told = {"x-forwarded-for": "203.0.113.7", "x-forwarded-host": "id.example.org", "x-forwarded-proto": "https"}
        flow = client.get("/self-service/login/api", headers=told).json()
        assert flow["request_url"] == "https://id.example.org/self-service/login/api"  # who may open it is trusted
    assert one.stop() == 0
    assert not public.exists()
    assert not admin.exists()


def test_a_socket_in_use_is_told_and_a_dead_one_replaced(
    dsn: str, configure: Configure, node: MakeNode, tmp_path: Path
) -> None:
    path = tmp_path / "public.sock"
    config = configure(dsn, {"serve": {"public": {"host": f"unix:{path}"}}})
    one = node(tmp_path, "-c", config).begin()
    until(lambda: answers(path))
    second = limen(
        tmp_path, "serve", "-c", configure(dsn, {"serve": {"public": {"host": f"unix:{path}"}}}, "second.yml")
    )
    assert second.returncode == 1
    assert "another server listens there" in second.stderr
    one.kill()
    assert path.exists()
    node(tmp_path, "-c", config).begin()
    until(lambda: answers(path))
