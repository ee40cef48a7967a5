"""A configuration that changes while the server runs: taken over whole, or not at all and said why."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from joserfc import jwt
from joserfc.jwk import OctKey
from structlog.testing import capture_logs

from limen.reload import Files
from tests.conftest import Start
from tests.support.callers import PASSWORD, Caller, has, nodes
from tests.support.console import Console
from tests.support.direct import LOG, ask
from tests.support.operators import Operator
from tests.support.process import until
from tests.support.server import PERSON, LiveServer, merge

OLD, NEW = "the-first-cookie-secret", "the-second-cookie-secret"


class Followed:
    """A server whose configuration is a file, and the ways to change it."""

    def __init__(self, start: Start, folder: Path, over: dict[str, Any] | None = None, *, link: bool = False) -> None:
        self.folder, self.file, self.count = folder, folder / "limen.yml", 0
        if link:  # as Kubernetes mounts it: the file is a link into a folder that is a link
            (folder / "release0").mkdir()
            (folder / "data").symlink_to("release0")
            self.file.symlink_to("data/limen.yml")
        self.server: LiveServer = start({"revision": "0", **(over or {})}, file=self.file)
        self.operator = Operator(self.server)

    @property
    def data(self) -> dict[str, Any]:
        return dict(yaml.safe_load(self.file.read_text()))

    @property
    def revision(self) -> str:
        return self.operator.http.get("admin/health/config").text

    def change(self, over: dict[str, Any], write: Callable[[str], object] | None = None) -> list[Any]:
        """Change the file and wait until that is in force; what was logged meanwhile."""
        self.count += 1
        text = yaml.safe_dump(merge(self.data, {"revision": str(self.count), **over}))
        with capture_logs() as logs:
            (write or self.replace)(text)
            until(lambda: self.revision == str(self.count))
            until(lambda: any(entry["event"] == "configuration.changed" for entry in logs))
        return logs

    def refuse(self, text: str) -> str:
        """Write what cannot be taken over; the reason that is logged."""
        before = self.revision
        with capture_logs() as logs:
            self.replace(text)
            refused = until(lambda: [entry for entry in logs if entry["event"] == "configuration.refused"])
        assert self.revision == before
        return str(refused[0]["why"])

    def replace(self, text: str) -> None:
        """As editors and deployments do it."""
        fresh = self.folder / "fresh"
        fresh.write_text(text)
        fresh.replace(self.file)

    def swap(self, text: str) -> None:
        """As Kubernetes does it: a new folder, and the link to it moved at once."""
        release = self.folder / f"release{self.count}"
        release.mkdir()
        (release / "limen.yml").write_text(text)
        (self.folder / "next").symlink_to(release.name)
        (self.folder / "next").rename(self.folder / "data")


@pytest.fixture
def followed(start: Start, tmp_path: Path) -> Followed:
    return Followed(start, tmp_path)


def lifespan(server: LiveServer) -> float:
    return server.app.site.project.config.session.lifespan


def test_a_file_that_is_replaced_and_one_that_is_written_into(followed: Followed) -> None:
    followed.change({"session": {"lifespan": "2h"}})
    assert lifespan(followed.server) == 7200
    followed.change({"session": {"lifespan": "3h"}}, followed.file.write_text)
    assert lifespan(followed.server) == 10800


def test_a_mounted_folder_that_is_swapped(start: Start, tmp_path: Path) -> None:
    followed = Followed(start, tmp_path, link=True)
    for hours in (2, 3):
        followed.change({"session": {"lifespan": f"{hours}h"}}, followed.swap)
        assert lifespan(followed.server) == hours * 3600


def test_a_file_that_is_being_written_is_left_alone(followed: Followed) -> None:
    """Half of a file can be a valid configuration: it counts once it rests between two looks."""
    text = yaml.safe_dump(merge(followed.data, {"revision": "1", "session": {"lifespan": "2h"}}))
    files = Files(lambda: pytest.fail("it is only looked at"), [followed.file])
    with followed.file.open("w") as out:
        for line in text.splitlines(keepends=True):
            out.write(line)
            out.flush()
            assert not files.changed()
    assert files.changed()
    assert not files.changed(), "it counts once"
    until(lambda: followed.revision == "1")
    assert lifespan(followed.server) == 7200


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("session: {lifespan: 2h\n  - broken: [", "limen.yml:"),
        ("", "dsn"),
        ("[]", "made of keys"),
        ("session: {lifespan: two hours}", "lifespan"),
        ("session: {livespan: 2h}", "livespan"),
    ],
)
def test_a_bad_file_changes_nothing_and_is_told_with_its_place(followed: Followed, text: str, told: str) -> None:
    good = followed.file.read_text()
    merged = yaml.safe_dump(merge(yaml.safe_load(good), {"session": None})) if text.startswith("session: {l") else ""
    why = followed.refuse((merged + text) if not text.endswith("[") else text)
    assert told in why
    followed.replace(good)
    followed.change({"session": {"lifespan": "2h"}})
    assert lifespan(followed.server) == 7200


def test_a_bad_schema_changes_nothing(followed: Followed) -> None:
    schema = followed.folder / "other.schema.json"
    schema.write_text('{"properties": {"traits": {"type": "nonsense"}}}')
    schemas = [*followed.data["identity"]["schemas"], {"id": "other", "url": schema.as_uri()}]
    good = followed.file.read_text()
    text = yaml.safe_dump(merge(followed.data, {"identity": {"schemas": schemas}}))
    assert "other.schema.json" in followed.refuse(text)
    followed.replace(good)
    followed.change({})


def test_a_changed_schema_counts_without_a_changed_configuration(followed: Followed) -> None:
    """Files that the configuration names are followed like itself."""
    file = Path(followed.data["identity"]["schemas"][0]["url"].removeprefix("file://"))
    traits = merge(PERSON["properties"]["traits"], {"required": ["email", "name"]})  # type: ignore[index]
    with capture_logs() as logs:
        file.write_text(json.dumps(merge(PERSON, {"properties": {"traits": traits}})))
        until(lambda: any(entry["event"] == "configuration.changed" for entry in logs))
    assert followed.operator.create().status_code == 400
    assert followed.operator.create(traits={"email": "ann@example.org", "name": "Ann"}).status_code == 201


def test_what_needs_a_restart_keeps_its_value_and_that_is_said(followed: Followed) -> None:
    public = followed.data["serve"]["public"]["port"]
    over = {"serve": {"public": {"port": public + 1}}, "log": {"level": "debug"}, "session": {"lifespan": "2h"}}
    logs = followed.change(over)
    assert [e["keys"] for e in logs if e["event"] == "configuration.needs_restart"] == ["log, serve.public.port"]
    assert lifespan(followed.server) == 7200
    assert Caller(followed.server, "app").json("health/ready") == {"status": "ok"}


def test_the_log_names_keys_and_no_values(followed: Followed) -> None:
    logs = followed.change({"secrets": {"default": ["a-new-secret-for-tests-only", "a-secret-for-tests-only"]}})
    told = next(entry for entry in logs if entry["event"] == "configuration.changed")
    assert told["keys"] == "revision, secrets.default"
    assert "for-tests-only" not in str(logs)


def test_the_audit_log_has_the_keys_too(followed: Followed) -> None:
    followed.change({"secrets": {"default": ["a-new-secret-for-tests-only", "a-secret-for-tests-only"]}})
    dsn = followed.server.app.config.dsn
    found = ask(dsn, f"select actor, outcome, detail from {LOG} where action = 'auth.config.change'")
    assert [tuple(row) for row in found] == [("configuration", "success", '{"keys":["revision","secrets.default"]}')]


def test_the_operators_port_stays_where_it_is_until_the_next_start(followed: Followed) -> None:
    over = {"limen": {"console": {"host": "0.0.0.0", "port": 1, "enabled": False}}}
    logs = followed.change(over)
    needed = [e["keys"] for e in logs if e["event"] == "configuration.needs_restart"]
    assert needed == ["limen.console.enabled, limen.console.host, limen.console.port"]
    assert Console(followed.server).get("api/auth/session")["session"] is None


def test_a_new_cookie_secret_in_front_signs_nobody_out_until_the_old_one_goes(start: Start, tmp_path: Path) -> None:
    followed = Followed(start, tmp_path, {"secrets": {"cookie": [OLD]}})
    followed.operator.person()
    before = Caller(followed.server, "script")
    before.sign_in()
    followed.change({"secrets": {"cookie": [NEW, OLD]}})
    after = Caller(followed.server, "script")
    after.sign_in()
    assert (before.is_signed_in, after.is_signed_in) == (True, True)
    followed.change({"secrets": {"cookie": [NEW]}})
    assert (before.is_signed_in, after.is_signed_in) == (False, True)


def test_without_a_secret_people_stay_signed_in(start: Start, tmp_path: Path) -> None:
    """The secret that stands in for a missing one is that of the process, not of a configuration."""
    followed = Followed(start, tmp_path, {"secrets": None})
    followed.operator.person()
    script = Caller(followed.server, "script")
    script.sign_in()
    followed.change({"session": {"lifespan": "2h"}})
    assert script.is_signed_in


def test_pages_of_lists_go_on_under_a_new_secret(start: Start, tmp_path: Path) -> None:
    followed = Followed(start, tmp_path, {"secrets": {"pagination": [OLD]}})
    keys = followed.server.app.site.project.page_keys
    token = keys.seal("page", b"x")
    followed.change({"secrets": {"pagination": [NEW, OLD]}})
    assert followed.server.app.site.project.page_keys.open("page", token) == b"x"
    followed.change({"secrets": {"pagination": [NEW]}})
    assert followed.server.app.site.project.page_keys.open("page", token) is None


def test_a_flow_that_began_before_ends_after(followed: Followed) -> None:
    followed.operator.person()
    app = Caller(followed.server, "app")
    flow = app.start("login")
    followed.change({"session": {"lifespan": "2h"}, "selfservice": {"flows": {"login": {"style": "identifier_first"}}}})
    assert app.submit(flow, method="password", identifier="ann@example.org", password=PASSWORD).status_code == 200
    assert not has(Caller(followed.server, "app").start("login"), "password")


def test_methods_and_forms_change_at_once(followed: Followed) -> None:
    app = Caller(followed.server, "app")
    assert nodes(app.start("login"), "method")
    followed.change({"selfservice": {"methods": {"password": {"enabled": False}}}})
    assert "password" not in [n["attributes"].get("value") for n in nodes(app.start("login"), "method")]


def test_a_signing_key_is_changed_by_its_file(start: Start, tmp_path: Path) -> None:
    key = OctKey.generate_key(512).as_dict(private=True)
    jwks = tmp_path / "jwks.json"
    jwks.write_text(json.dumps({"keys": [{**key, "alg": "HS256", "kid": "one"}]}))
    templates = {"plain": {"jwks_url": jwks.as_uri()}}
    followed = Followed(start, tmp_path, {"session": {"whoami": {"tokenizer": {"templates": templates}}}})
    followed.operator.person()
    app = Caller(followed.server, "app")
    app.sign_in()
    with capture_logs() as logs:
        jwks.write_text(json.dumps({"keys": [{**key, "alg": "HS512", "kid": "two"}, {**key, "alg": "HS256"}]}))
        until(lambda: any(entry["event"] == "configuration.changed" for entry in logs))
    token = app.json("sessions/whoami", tokenize_as="plain")["tokenized"]
    assert jwt.decode(token, OctKey.import_key(key), algorithms=["HS512"]).header["kid"] == "two"


def test_the_digest_stands_in_for_a_revision(start: Start, tmp_path: Path) -> None:
    followed = Followed(start, tmp_path, {"revision": None})
    before = followed.revision
    assert len(before) == 64
    with capture_logs() as logs:
        followed.replace(yaml.safe_dump(merge(followed.data, {"session": {"lifespan": "2h"}})))
        until(lambda: any(entry["event"] == "configuration.changed" for entry in logs))
    assert followed.revision not in ("", before)
    answer = followed.operator.http.get("admin/health/config")
    assert answer.headers["content-type"] == "text/plain"
