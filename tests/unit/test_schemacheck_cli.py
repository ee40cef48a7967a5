"""Identity schemas as `limen serve` reads them: every mistake in all of them is told before anything starts."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from limen import cli
from limen.app import App, StartError, load_schemas
from limen.core import configload, schemaload, sources
from limen.core.configload import Loaded
from limen.core.places import Problem
from limen.core.schemaload import SchemaMistakes, name_of

PERSON = """\
{
  "type": "object",
  "properties": {
    "traits": {
      "type": "object",
      "properties": {
        "email": {
          "type": "string",
          "format": "email",
          "ory.sh/kratos": { "credentials": { "password": { "identifier": true } } }
        }
      }
    }
  }
}
"""
BROKEN = PERSON.replace('"string"', '"strng"').replace("identifier", "identifer")


def config(folder: Path, *urls: str) -> Path:
    """A configuration with these schemas, named one, two, three."""
    names = ("default", "two", "three", "four", "five", "six")
    file = folder / "kratos.yml"
    entries = [f"    - id: {name}\n      url: '{url}'" for name, url in zip(names, urls, strict=False)]
    file.write_text(
        "version: v1.3.0\ndsn: memory\nselfservice: {default_browser_return_url: 'http://127.0.0.1:4455/'}\n"
        "identity:\n  schemas:\n" + "\n".join(entries) + "\n"
    )
    return file


def loaded(folder: Path, *urls: str) -> Loaded:
    return configload.load([config(folder, *urls)], env={}, flags={})


def mistakes(folder: Path, *urls: str) -> list[Problem]:
    read = loaded(folder, *urls)
    with pytest.raises(SchemaMistakes) as caught:
        schemaload.load(read.config, read.places, read.lines)
    return list(caught.value.problems)


def serve(monkeypatch: pytest.MonkeyPatch, file: Path) -> Result:
    """`limen serve -c`, which opens no port in any case."""

    def no_port(_: object) -> None:
        raise StartError("Here a port would be opened.")

    monkeypatch.setattr(cli, "bind_all", no_port)
    return CliRunner(env={"DSN": ""}).invoke(cli.main, ["serve", "-c", str(file)])


def test_serve_names_file_and_line_of_every_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "person.json").write_text(BROKEN)
    (tmp_path / "customer.json").write_text("{\n  'type': 'object'\n}")
    result = serve(monkeypatch, config(tmp_path, f"file://{tmp_path}/person.json", f"file://{tmp_path}/customer.json"))
    assert result.exit_code == 1
    assert result.stdout == ""
    assert (
        result.stderr
        == f"""\
The configuration has 3 mistakes.

{tmp_path}/customer.json:2:3
    2 │   'type': 'object'
      │   ^
  This is no JSON: Expecting property name enclosed in double quotes.
  → Names and text stand in double quotes.

{tmp_path}/person.json:8:19  /properties/traits/properties/email/type
    8 │           "type": "strng",
      │                   ^
  There is no type `strng`.
  allowed: string, number, integer, boolean, object, array, null
  → Did you mean `string`?

{tmp_path}/person.json:10:61  /properties/traits/properties/email/ory.sh~1kratos/credentials/password/identifer
   10 │           "ory.sh/kratos": {{ "credentials": {{ "password": {{ "identifer": true }} }} }}
      │                                                             ^
  There is no key `identifer` here.
  allowed: identifier
  → Did you mean `identifier`?

"""
    )


def test_serve_tells_all_warnings_in_one_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "person.json").write_text(PERSON.replace('"format"', '"formatt"'))
    file = config(tmp_path, f"file://{tmp_path}/person.json")
    file.write_text(file.read_text().replace("v1.3.0", "v0.13.0"))
    result = serve(monkeypatch, file)
    assert result.exit_code == 1
    assert result.stderr.startswith("The configuration has 2 warnings.\n\n")
    assert f"{file}:1:10  version\n" in result.stderr
    assert f"{tmp_path}/person.json:9:11  /properties/traits/properties/email/formatt\n" in result.stderr
    assert result.stderr.endswith("Limen cannot start. Here a port would be opened.\n")


def test_serve_says_nothing_about_a_good_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "person.json").write_text("\ufeff" + PERSON, "utf-8")
    result = serve(monkeypatch, config(tmp_path, f"file://{tmp_path}/person.json"))
    assert result.stderr == "Limen cannot start. Here a port would be opened.\n"


def test_an_app_without_a_command_line_tells_the_same(tmp_path: Path) -> None:
    (tmp_path / "person.json").write_text(BROKEN)
    own = loaded(tmp_path, f"file://{tmp_path}/person.json").config
    with pytest.raises(StartError, match=r"cannot be used\. \[1\] .*person\.json:8:19: /properties/.*no type `strng`"):
        load_schemas(own)
    (tmp_path / "person.json").write_text(PERSON)
    schemas = load_schemas(own)
    assert list(schemas) == ["default"]
    assert App(own, schemas).config is own


def test_a_schema_that_is_not_there_is_told_where_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "person.schema.json").write_text(PERSON)
    file = tmp_path / "kratos.yml"
    problems = mistakes(
        tmp_path,
        f"file://{tmp_path}/persn.schema.json",
        f"file://{tmp_path}/person.schema.json",
        "base64://{}",
        "file://nowhere/at/all.json",
    )
    assert [(problem.file, problem.line, problem.column, problem.path) for problem in problems] == [
        (str(file), 7, 12, "identity.schemas.0.url"),
        (str(file), 11, 12, "identity.schemas.2.url"),
        (str(file), 13, 12, "identity.schemas.3.url"),
    ]
    assert problems[0].message == "The schema cannot be read: No such file or directory."
    assert problems[0].hint == f"Did you mean file://{tmp_path}/person.schema.json?"
    assert problems[0].source == f"      url: 'file://{tmp_path}/persn.schema.json'"
    assert problems[1].message.startswith("The schema cannot be read: base64://{}… is not base64")
    assert problems[2].hint.endswith(f"Relative names start from here: {Path.cwd()}")


def test_what_is_no_file_has_a_name_too(tmp_path: Path) -> None:
    url = "base64://" + base64.b64encode(BROKEN.encode()).decode()
    (tmp_path / "person.json").write_text(PERSON)
    problems = mistakes(tmp_path, f"file://{tmp_path}/person.json", url, url)
    assert [(problem.file, problem.line, problem.column) for problem in problems] == [
        ('identity schema "two" (base64)', 8, 19),
        ('identity schema "two" (base64)', 10, 61),
    ]
    assert problems[0].source == '          "type": "strng",'
    assert name_of("customer", "base64://e30=") == 'identity schema "customer" (base64)'
    assert (
        name_of("a", "https://me:secret@example.com/a.json")
        == 'identity schema "a" (https://***:***@example.com/a.json)'
    )
    assert name_of("a", f"https://example.com/{'a' * 99}").endswith("a…)")
    assert name_of("a", "file:///etc/a%20b.json") == "/etc/a b.json"
    assert name_of("a", "schemas/a.json") == "schemas/a.json"


def person(trait: dict[str, Any]) -> str:
    """The good schema with one more trait."""
    data = json.loads(PERSON)
    data["properties"]["traits"]["properties"]["more"] = trait
    return json.dumps(data, indent=1)


def test_documents_that_a_schema_refers_to(tmp_path: Path) -> None:
    (tmp_path / "person.json").write_text(person({"$ref": "parts.json#/definitions/name"}))
    (tmp_path / "parts.json").write_text('{"definitions": {"name": {"type": "string", "title": "Name"}}}')
    read = loaded(tmp_path, f"file://{tmp_path}/person.json")
    schema = schemaload.load(read.config).by_id["default"]
    assert [path.title for path in schema.trait_paths if path.name == "traits.more"] == ["Name"]

    (tmp_path / "parts.json").write_text('{"definitions": {"name": {"type": "string",\n "minLength": "1"}}}')
    assert [(problem.file, problem.line, problem.column, problem.message) for problem in mistakes(
        tmp_path, f"file://{tmp_path}/person.json"
    )] == [(f"{tmp_path}/parts.json", 2, 15, "This must be a whole number.")]  # fmt: skip

    (tmp_path / "parts.json").write_text('{"definitions": {"nam": {}}}')
    (problem,) = mistakes(tmp_path, f"file://{tmp_path}/person.json")
    assert (problem.file, problem.line, problem.path, problem.message) == (
        f"{tmp_path}/person.json",
        19,
        "/properties/traits/properties/more/$ref",
        "This leads nowhere: there is no `name`.",
    )

    (tmp_path / "parts.json").unlink()
    (problem,) = mistakes(tmp_path, f"file://{tmp_path}/person.json")
    assert (problem.line, problem.path) == (19, "/properties/traits/properties/more/$ref")
    assert problem.message == (
        f"This leads to file://{tmp_path}/parts.json, which cannot be had: "
        f"the file {tmp_path}/parts.json cannot be read: No such file or directory."
    )


def test_what_only_compiling_finds(tmp_path: Path) -> None:
    (tmp_path / "person.json").write_text(person({"maximum": 0}).replace('"maximum": 0', '"maximum": 1e999'))
    (problem,) = mistakes(tmp_path, f"file://{tmp_path}/person.json")
    assert (problem.file, problem.message[:21]) == (f"{tmp_path}/person.json", "This cannot be used: ")

    inner = {"$id": "inner", "properties": {"a": {"$ref": "#/properties/traits/properties/email"}}}
    (tmp_path / "person.json").write_text(person(inner))
    (problem,) = mistakes(tmp_path, f"file://{tmp_path}/person.json")
    assert problem.path == "/properties/traits/properties/more/properties/a/$ref"
    assert problem.message == "This leads nowhere: there is no `email`."
    assert problem.hint == "It is looked for below the next `$id` above it: remove that `$id`."


def test_each_schema_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "person.json").write_text(PERSON)
    opened = []
    read = sources.read
    monkeypatch.setattr(sources, "read", lambda url: opened.append(url) or read(url))
    own = loaded(tmp_path, f"file://{tmp_path}/person.json").config
    schemaload.load(own)
    assert opened == [f"file://{tmp_path}/person.json"]
