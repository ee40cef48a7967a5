"""Documents are read with the place of every key and value, and what is wrong with them is told with its place."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.core.places import DocumentError, Form, Place, parse, plain, pointer, read

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def wrong(text: str, form: Form) -> list[tuple[int, int, str, str]]:
    with pytest.raises(DocumentError) as caught:
        parse(text, "f", form)
    return [(problem.line, problem.column, problem.message, problem.hint) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("yes", "yes"),
        ("No", "No"),
        ("off", "off"),
        ("y", "y"),
        ("true", True),
        ("FALSE", False),
        ("1:30", "1:30"),
        ("190:20:30", "190:20:30"),
        ("2020-01-31", "2020-01-31"),
        ("0o17", 15),
        ("0755", 493),
        ("089", 89),
        ("0x1F", 31),
        ("-12", -12),
        ("1_000", "1_000"),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".inf", float("inf")),
        ("~", None),
        ("", None),
        ("null", None),
        ("1" * 60, "1" * 60),
    ],
)
def test_a_word_of_yaml_is_what_version_1_2_says(text: str, value: object) -> None:
    assert plain(text) == value
    assert parse(f"key: {text}", "f", "yaml").data == {"key": value}


def test_quotes_and_tags_make_text() -> None:
    assert parse("a: 'true'\nb: \"5\"\nc: !!str 5\nd: |\n  5\n", "f", "yaml").data == {
        "a": "true",
        "b": "5",
        "c": "5",
        "d": "5\n",
    }


def test_yaml_tells_where_keys_and_values_stand() -> None:
    places = parse(
        "serve:\n  public:\n    port: 4433\nhooks:\n  - hook: a\n  - {hook: b}\n", "kratos.yml", "yaml"
    ).places
    assert str(places.key("/serve/public/port")) == "kratos.yml:3:5"
    assert str(places.value("/serve/public/port")) == "kratos.yml:3:11"
    assert str(places.value("/hooks/1/hook")) == "kratos.yml:6:12"
    assert places.key("/serve/public/cors/enabled") == Place("kratos.yml", 3, 5), "the nearest thing around it"


def test_json_tells_where_keys_and_values_stand() -> None:
    text = '{\n  "a": {"b/c": [1, {"d": "x"}, []]},\n  "e": {}\n}'
    document = parse(text, "s.json", "json")
    assert document.data == json.loads(text)
    assert {at: (place.line, place.column) for at, place in document.places.values.items()} == {
        "": (1, 1),
        "/a": (2, 8),
        "/a/b~1c": (2, 16),
        "/a/b~1c/0": (2, 17),
        "/a/b~1c/1": (2, 20),
        "/a/b~1c/1/d": (2, 26),
        "/a/b~1c/2": (2, 32),
        "/e": (3, 8),
    }
    assert str(document.places.key(pointer("a", "b/c", 1, "d"))) == "s.json:2:21"


def test_toml_tells_where_keys_stand() -> None:
    text = (
        'dsn = "memory"\n[serve.public]\nport = 4433\n[[identity.schemas]]\nid = "a"\n[[identity.schemas]]\nid = "b"\n'
    )
    document = parse(text, "k.toml", "toml")
    assert document.data == {
        "dsn": "memory",
        "serve": {"public": {"port": 4433}},
        "identity": {"schemas": [{"id": "a"}, {"id": "b"}]},
    }
    places = document.places
    assert [str(places.key(at)) for at in ("/dsn", "/serve/public/port", "/identity/schemas/1/id")] == [
        "k.toml:1:1",
        "k.toml:3:1",
        "k.toml:7:1",
    ]
    assert str(places.value("/identity/schemas/1/id")) == "k.toml:7:6"


def test_dates_in_toml_become_text() -> None:
    assert parse("a = 2020-01-31\nb = [12:30:00]", "f", "toml").data == {"a": "2020-01-31", "b": ["12:30:00"]}


def test_aliases_and_merge_keys_stand_where_they_were_written() -> None:
    text = "base: &base\n  a: 1\n  b: {c: 2}\none:\n  <<: *base\n  a: 3\ntwo: *base\nthree:\n  <<: [{a: 9}, *base]\n"
    document = parse(text, "f", "yaml")
    assert document.data == {
        "base": {"a": 1, "b": {"c": 2}},
        "one": {"a": 3, "b": {"c": 2}},
        "two": {"a": 1, "b": {"c": 2}},
        "three": {"a": 9, "b": {"c": 2}},
    }
    assert [str(document.places.value(at)) for at in ("/one/a", "/one/b/c", "/two/b/c", "/three/b/c", "/two")] == [
        "f:6:6",
        "f:3:10",
        "f:3:10",
        "f:3:10",
        "f:7:6",
    ]


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("a:\n\tb: 1\n", 2, 1, "A tab is used for indentation."),
        ("a: b: c\n", 1, 5, "A colon stands where no key can be."),
        ("a:\n  b: 1\n c: 2\n", 3, 2, "This line does not fit the lines above."),
        ("a: [1,\nb: 2\n", 1, 4, "A `[` is never closed."),
        ("a: {b: 1\n", 1, 4, "A `{` is never closed."),
        ("a: 'x\nb: 1\n", 1, 4, "A quote is never closed."),
        ("a: @x\n", 1, 4, "A value cannot begin with `@`."),
        ('a: "\\d"\n', 1, 5, "A backslash in double quotes begins an escape, and this is none."),
        ("- a\nb: c\n", 2, 1, "A key stands where the next item of a list was expected."),
        ("a: 1\nb: 2\na: 3\n", 3, 1, "`a` is there twice in the same map."),
        ("a: *b\n", 1, 4, "An alias (`*…`) repeats a value that is named nowhere above."),
        ("a: &b [*b]\n", 1, 8, "An alias (`*…`) repeats a value that is named nowhere above."),
        ("a: {{ .Values.a }}\n", 1, 5, "A map or a list cannot be a key."),
        ("a: !env B\n", 1, 4, "A tag (`!…`) means nothing here."),
        ("a: 1\n---\nb: 2\n", 2, 1, "A second document begins here."),
        ("a: \x01\n", 1, 4, "There is a character that YAML does not allow."),
        ("a:\n  <<: 1\n", 2, 3, "`<<` takes a map, or a list of maps."),
        ("[" * 500, 1, 102, "This is nested more than 100 levels deep."),
    ],
)
def test_what_is_wrong_with_yaml_is_told(text: str, line: int, column: int, message: str) -> None:
    assert [(found[0], found[1], found[2]) for found in wrong(text, "yaml")] == [(line, column, message)]


def test_every_key_that_is_there_twice_is_told() -> None:
    assert wrong("a: 1\nb: {c: 1, c: 2}\na: 3\n", "yaml") == [
        (
            2,
            11,
            "`c` is there twice in the same map.",
            "It stands in line 2 already: keep one of the two, or join them.",
        ),
        (
            3,
            1,
            "`a` is there twice in the same map.",
            "It stands in line 1 already: keep one of the two, or join them.",
        ),
    ]


def test_aliases_cannot_fill_the_memory() -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [
        f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]" for before, name in zip("abcdefg", "bcdefgh", strict=True)
    ]
    assert [found[2] for found in wrong("\n".join(lines), "yaml")] == [
        "There are more than 100,000 values, counting what aliases repeat."
    ]


@pytest.mark.parametrize(
    ("text", "line", "column", "hint"),
    [
        ("{\n  'a': 1}", 2, 3, "Names and text stand in double quotes."),
        ('{"a": 1,\n}', 2, 1, "No comma before a closing brace."),
        ('{"a": [1,]}', 1, 10, "No comma before a closing bracket."),
        ('{"a": 1 // no\n}', 1, 9, "A comma or a closing bracket is missing before this place."),
        ('{"a": 1\n"b": 2}', 2, 1, "A comma or a closing bracket is missing before this place."),
        ('{"a": NaN}', 1, 7, ""),
        ('{"a": 1, "a": 2}', 1, 10, "It stands in line 1 already: keep one of the two, or join them."),
    ],
)
def test_what_is_wrong_with_json_is_told(text: str, line: int, column: int, hint: str) -> None:
    found = wrong(text, "json")
    if "Illegal trailing comma" not in found[0][2]:  # Python 3.13 points at the comma
        assert [(found[0][0], found[0][1], found[0][3])] == [(line, column, hint)]


def test_what_is_wrong_with_toml_is_told() -> None:
    assert wrong("a = 1\nb = nope\n", "toml") == [(2, 5, "This is no TOML: Invalid value.", "")]


@pytest.mark.parametrize("form", ["json", "toml"])
def test_deep_nesting_is_a_mistake_and_not_a_crash(form: Form) -> None:
    deep = "[" * 50_000 + "]" * 50_000
    assert wrong(deep if form == "json" else f"a = {deep}", form)[0][2] in (
        "This is nested too deeply.",
        "This is nested more than 100 levels deep.",
        "This is no TOML: Invalid value.",
    )


@given(JSON)
def test_json_reads_as_json_and_as_yaml_without_escapes(data: object) -> None:
    assert parse(json.dumps(data), "f", "json").data == data


@given(st.text(), st.sampled_from(["yaml", "json", "toml"]))
def test_any_text_is_read_or_told_about(text: str, form: Form) -> None:
    places = [Place("f")]
    try:
        places.append(parse(text, "f", form).places.value("/nothing/there"))
    except DocumentError as error:
        places += [Place(problem.file) for problem in error.problems if problem.message]
    assert len(places) > 1
    assert {place.file for place in places} == {"f"}


def test_a_file_is_read_by_its_ending(tmp_path: Path) -> None:
    for name, text in {"a.yml": "a: 1", "a.YAML": "a: 1", "a.json": '\ufeff{"a": 1}', "a.toml": "a = 1"}.items():
        (tmp_path / name).write_text(text, "utf-8")
        assert read(tmp_path / name).data == {"a": 1}


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    (tmp_path / "a.ini").write_text("")
    (tmp_path / "kratos").write_text("")
    (tmp_path / "b.yml").write_bytes(b"a: 1\nb: \xff\n")
    told = []
    for name in ("a.ini", "kratos", "b.yml", "missing.yml", ""):
        with pytest.raises(DocumentError) as caught:
            read(tmp_path / name if name else tmp_path / "folder.yml" / "\0.yml")
        told += [(problem.line, problem.message) for problem in caught.value.problems]
    assert told[:4] == [
        (0, "Files ending in `.ini` cannot be read."),
        (0, "The file's name has no ending."),
        (2, "This is not UTF-8."),
        (0, "The file cannot be read: No such file or directory."),
    ]
