"""Mistakes in web hooks are told before the first call, with the place where they stand."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from limen.core import configload, hookload
from limen.core.configload import ConfigMistakes, Loaded
from limen.core.places import Problem

CONFIG = """\
dsn: memory
version: v1.3.0
identity: {default_schema_id: default, schemas: [{id: default, url: "file:///schema.json"}]}
selfservice:
  default_browser_return_url: http://127.0.0.1/
  flows:
    login:
      after:
        password:
          hooks:
            - hook: web_hook
              config:
                url: https://hooks.example.com/after-login
                method: POST
                body: BODY
"""


def load(folder: Path, text: str) -> Loaded:
    file = folder / "kratos.yml"
    file.write_text(text)
    return configload.load([file], env={}, flags={})


def found(folder: Path, body: str) -> tuple[Problem, ...]:
    loaded = load(folder, CONFIG.replace("BODY", body))
    return hookload.check(loaded.config, loaded.places, loaded.lines)


def test_a_good_template_is_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "hook.jsonnet"
    file.write_text("function(ctx) {id: ctx.identity.id}")
    assert found(tmp_path, file.as_uri()) == ()
    assert found(tmp_path, str(file)) == ()
    assert found(tmp_path, "https://no.such.host.invalid/hook.jsonnet") == ()


def test_a_template_that_is_not_there_is_told_where_it_is_named(tmp_path: Path) -> None:
    (problem,) = found(tmp_path, "file:///nowhere/hook.jsonnet")
    assert (problem.file, problem.line, problem.column) == (f"{tmp_path}/kratos.yml", 15, 23)
    assert problem.path == "selfservice.flows.login.after.password.hooks.0.config.body"
    assert "No such file" in problem.message


def test_a_template_that_is_no_jsonnet_is_told_where_it_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "hook.jsonnet"
    file.write_text("function(ctx) {\n  id: ctx.identity.id,\n  name: \n}\n")
    (problem,) = found(tmp_path, file.as_uri())
    assert (problem.file, problem.line, problem.column) == (str(file), 4, 1)
    assert problem.message.startswith("This is no Jsonnet.")


def test_one_in_base64_has_its_place_in_the_text(tmp_path: Path) -> None:
    (problem,) = found(tmp_path, "base64://" + base64.b64encode(b"function(ctx) nobody").decode())
    assert (problem.file, problem.line) == (f"{tmp_path}/kratos.yml", 15)
    assert problem.message.startswith("In the template, line 1, column 15: This is no Jsonnet.")
    assert "nobody" in problem.message


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("hook: web_hook", "hook: webhook", 11, "There is no hook `webhook`."),
        ("                url: https://hooks.example.com/after-login\n", "", 13, "`url` is missing"),
        ("                method: POST\n", "", 13, "`method` is missing"),
        ("url: https:", "url: gopher:", 13, ""),
        ("method: POST", "method: POST\n                auth: {type: token}", 15, "There is no type `token`."),
        ("method: POST", "method: POST\n                response: {ignore: true, parse: true}", 15, "cannot be parsed"),
        ("method: POST", "methud: POST", 14, ""),
        ("version: v1.3.0", "limen: {webhooks: {signing_secret: whsec_short}}", 2, "This is no signing secret"),
        (
            "version: v1.3.0",
            "limen: {webhooks: {signing_secret: c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0}}",
            2,
            "no signing secret",
        ),
    ],
)
def test_a_mistake_in_a_hook_keeps_the_server_from_starting(
    tmp_path: Path, old: str, new: str, line: int, message: str
) -> None:
    assert old in CONFIG
    with pytest.raises(ConfigMistakes) as raised:
        load(tmp_path, CONFIG.replace(old, new).replace("BODY", "file:///b"))
    told = raised.value.problems
    assert any(problem.line == line and message in problem.message for problem in told), told
    assert "whsec_short" not in str(told)


def test_a_body_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    text = CONFIG.replace("method: POST", "method: POST\n                headers: {Content-Type: text/xml}")
    loaded = load(tmp_path, text.replace("BODY", "file:///b"))
    assert [w.line for w in loaded.warnings if "text/xml" in w.message] == [15]
