"""Mistakes in identity schemas: each with its place, and none in what Kratos takes."""

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.effort import calls

import limen.defaults
from limen.core.configreport import render
from limen.core.places import Problem
from limen.core.schema import IdentitySchema
from limen.core.schemacheck import Checked, check
from limen.core.schemakeywords import KEYWORDS

MARK = "«"  # stands in the texts below where the place should be
IDENTIFIER = '"id": {"type": "string", "ory.sh/kratos": {"credentials": {"password": {"identifier": true}}}}'


def whole(traits: str, more: str = "") -> str:
    """A schema that is fine, apart from what is put into its traits, or beside them."""
    return f"""{{
  "type": "object",
  "properties": {{
    "traits": {{
      "type": "object",
      "properties": {{
        {IDENTIFIER},
        {traits}
      }}
    }}
  }}{"," if more else ""} {more}
}}"""


def found(text: str) -> tuple[Checked, int, int]:
    """What the check says, and the line and column of the mark."""
    line = text[: text.index(MARK)].count("\n") + 1
    column = text.index(MARK) - text.rfind("\n", 0, text.index(MARK))
    return check(text.replace(MARK, "").encode(), "person.json"), line, column


def told(problems: tuple[Problem, ...]) -> list[tuple[int, int, str, str]]:
    return [(problem.line, problem.column, problem.message, problem.hint) for problem in problems]


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ('{"type": "object",\n «}', "This is no JSON: Expecting property name enclosed in double quotes.",
         "No comma before a closing brace."),
        ('{"a": [1, «]}', "This is no JSON: Expecting value.", "No comma before a closing bracket."),
        ('{"type": "object" «// the person\n}', "This is no JSON: Expecting ',' delimiter.", "JSON has no comments."),
        ('{\n  «# the person\n}', "This is no JSON: Expecting property name enclosed in double quotes.",
         "JSON has no comments."),
        ("{\n  «'type': 'object'}", "This is no JSON: Expecting property name enclosed in double quotes.",
         "Names and text stand in double quotes."),
        ('{"type": «object}', "This is no JSON: Expecting value.", "Names and text stand in double quotes."),
        ('{"a": «True}', "This is no JSON: Expecting value.", "Write true, false or null."),
        ("«type: object\nproperties:\n", "This is no JSON: Expecting value.",
         "This looks like YAML: identity schemas are JSON."),
        ('{"title": "a«\nb"}', "This is no JSON: Invalid control character.",
         r"Text cannot go on in the next line, nor hold a tab: write `\n` or `\t`."),
        ('{} «{}', "This is no JSON: Extra data.", "One map is the whole schema: remove what follows it."),
        ('{"title": "a",\n «"title": "b"}', "`title` is there twice in the same map.",
         "It stands in line 1 already: keep one of the two, or join them."),
        ("«[]", "An identity schema is a map, not a list.", 'It begins with `{"type": "object", …`.'),
        ("«true", "An identity schema is a map, not true or false.", 'It begins with `{"type": "object", …`.'),
        ("«null", "An identity schema is a map, not null.", 'It begins with `{"type": "object", …`.'),
    ],
)  # fmt: skip
def test_what_is_no_schema_at_all(text: str, message: str, hint: str) -> None:
    checked, line, column = found(text)
    if "Illegal trailing comma" in checked.problems[0].message:  # Python 3.13 points at the comma
        assert checked.problems[0].hint == "Remove the comma."
    else:
        assert told(checked.problems) == [(line, column, message, hint)]


@pytest.mark.parametrize(
    ("raw", "line", "message"),
    [
        (b"", 0, "The schema is empty."),
        (b" \n", 0, "The schema is empty."),
        (b'{\n"title": "\xff"}', 2, "This is not UTF-8."),
        (b'{"title": "' + b"x" * 1_048_576 + b'"}', 0, "The schema is larger than 1,048,576 bytes."),
        (b'{"a": ' + b"[" * 200 + b"]" * 200 + b"}", 1, "This is nested more than 100 levels deep."),
    ],
)
def test_what_cannot_be_read(raw: bytes, line: int, message: str) -> None:
    assert [(problem.line, problem.message) for problem in check(raw, "person.json").problems] == [(line, message)]


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("«{}", "`properties` is missing: an identity schema describes `traits` below it.",
         'Add `"properties": {…}`.'),
        ('{«"propertis": {}}', "There is no key `propertis` here.", "Did you mean `properties`?"),
        ('{"properties": «[]}', "Keys belong here, not a list.", 'Write `{"name": {…}}`.'),
        ('{«"properties": {}}', "`traits` is missing: what describes a person stands below it.",
         'Add `"traits": {…}`.'),
        ('{«"properties": {"email": {}}}', "`traits` is missing: what describes a person stands below it.",
         'Move what is here into `"traits": {"type": "object", "properties": {…}}`.'),
        ('{"properties": {«"trait": {}}}', "There is no key `trait` here.", "Did you mean `traits`?"),
        ('{"properties": {"traits": «true}}', "A map belongs here, not true or false.",
         'Write `{"type": "object", "properties": {…}}`'),
        ('{"properties": {"traits": «"object"}}', "A map belongs here, not text.", 'Write `{"type": "object"}`'),
        ('{"properties": {"traits": {"type": «"string", "properties": {"a": {}}}}}',
         "`traits` must be of the type `object`.", 'Write `"type": "object"`'),
        ('{"properties": {"traits": {"type": «["object"], "properties": {"a": {}}}}}',
         "`traits` must be of the type `object`.", 'Write `"type": "object"`'),
        ('{"properties": {"traits": {"type": «"objct", "properties": {"a": {}}}}}', "There is no type `objct`.",
         "Did you mean `object`?"),
        ('{"properties": {«"traits": {"type": "object"}}}',
         "`properties` is missing: it names the traits, at least one, and must stand here itself.",
         'Add `"properties": {…}`.'),
        ('{"properties": {"traits": {"type": "object", «"propertys": {"a": {}}}}}',
         "There is no key `propertys` here.", "Did you mean `properties`?"),
        ('{"properties": {"traits": {"type": "object", "properties": «{}}}}', "At least one trait is needed.",
         'Write `"email": {"type": "string"}`'),
        (whole('"a": «true'), "A map belongs here, not true or false.",
         "Write `{}` for a trait that may be anything."),
        (whole('"a": {"type": "string", "format": «"emial", "ory.sh/kratos": {"verification": {"via": "email"}}}'),
         "What is verified cannot have the format `emial`.", "Did you mean `email`?"),
        (whole('"a": {"type": "string", "format": «"uri", "ory.sh/kratos": {"verification": {}}}'),
         "What is verified cannot have the format `uri`.", "Write `no-validate` to have any value verified."),
        (whole('"a": {}', '"$schema": «"https://json-schema.org/draft/2020-12/schema"'),
         "Schemas of this draft cannot be read.", "Write http://json-schema.org/draft-07/schema#"),
        (whole('"a": {}', '"$schema": «"draft-07"'), "This is no address.",
         "Write http://json-schema.org/draft-07/schema#"),
    ],
)  # fmt: skip
def test_what_kratos_wants_of_an_identity_schema(text: str, message: str, hint: str) -> None:
    checked, line, column = found(text)
    assert told(checked.problems) == [(line, column, message, hint)]


@pytest.mark.parametrize(
    ("trait", "message", "hint"),
    [
        ('"type": «"strng"', "There is no type `strng`.", "Did you mean `string`?"),
        ('"type": «"int"', "There is no type `int`.", "Did you mean `integer`?"),
        ('"type": «"email"', "There is no type `email`.", 'Write `"type": "string", "format": "email"`'),
        ('"type": «"any"', "There is no type `any`.", "Remove it: without `type`, everything fits."),
        ('"type": «null', "This must be text.", 'Put it in quotes: "null"'),
        ('"type": «7', "The name of a type belongs here, not a number.", ""),
        ('"type": «[]', "At least one type is needed.", ""),
        ('"type": ["string", «"nul"]', "There is no type `nul`.", "Did you mean `null`?"),
        ('"type": ["string", «"string"]', "This is in the list twice: entry 2 is the same as entry 1.", "Remove one."),
        ('"required": «true', "A list of names belongs here, not true or false.",
         'Move it one level up, beside `properties`: `"required": ["a"]`'),
        ('"required": «false', "A list of names belongs here, not true or false.",
         "Remove it: what no `required` lists may be missing."),
        ('"required": «"b"', "A list of names belongs here, not text.", 'Write `["b"]`'),
        ('"required": [«1]', "The name of a property belongs here, not a number.", ""),
        ('"minLength": «"3"', "This must be a whole number.", "Write 3 without quotes."),
        ('"minLength": «3.0', "This must be a whole number.", "Write 3"),
        ('"minLength": «-1', "This must be 0 or more.", "Remove it when there is no limit."),
        ('"maxItems": «true', "This must be a whole number.", ""),
        ('"maximum": «"7"', "This must be a number.", "Write 7 without quotes."),
        ('"minimum": 3, "exclusiveMinimum": «true', "This must be a number.",
         'Write `"exclusiveMinimum": 3` instead of `"minimum"`.'),
        ('"exclusiveMaximum": «false', "This must be a number.", "Remove it."),
        ('"multipleOf": «0', "This must be more than 0.", ""),
        ('"uniqueItems": «"true"', "This must be true or false.", "Write true without quotes."),
        ('"readOnly": «1', "This must be true or false.", ""),
        ('"title": «7', "This must be text.", 'Put it in quotes: "7"'),
        ('"format": «["email"]', "This must be text.", ""),
        ('"examples": «"a"', "A list belongs here, not text.", 'Write `["a"]`'),
        ('"enum": «[]', "The list is empty, so nothing would ever fit.", "Add a value, or remove `enum`."),
        ('"enum": «"a"', "A list of values belongs here, not text.", 'Write `["a"]`'),
        ('"enum": [1, true, "1", «1.0]', "This is in the list twice: entry 4 is the same as entry 1.", "Remove one."),
        ('"enum": [{"a": [1]}, «{"a": [1]}]', "This is in the list twice: entry 2 is the same as entry 1.",
         "Remove one."),
        ('"properties": «["first"]', "Keys belong here, not a list.", 'Write `{"name": {…}}`.'),
        ('"properties": {"first": «"string"}', "A map belongs here, not text.", 'Write `{"type": "string"}`'),
        ('"additionalProperties": «"false"', "A map belongs here, not text.", "Write false without quotes."),
        ('"items": «null', "A map belongs here, not null.", ""),
        ('"items": «[]', "At least one entry is needed.", "Remove it, or write `[{…}]`."),
        ('"items": [{}, «7]', "A map belongs here, not a number.", ""),
        ('"allOf": «{}', "A list belongs here, not a map.", "Put `[` and `]` around it."),
        ('"anyOf": «[]', "At least one entry is needed.", "Remove it, or write `[{…}]`."),
        ('"not": {"type": «"strng"}', "There is no type `strng`.", "Did you mean `string`?"),
        ('"if": {}, "then": {"oneOf": [{"minLength": «"1"}]}', "This must be a whole number.",
         "Write 1 without quotes."),
        ('"dependencies": {"a": ["b", «"b"]}', "This is in the list twice: entry 2 is the same as entry 1.",
         "Remove one."),
        ('"dependencies": {"a": «"b"}', "A map belongs here, not text.", ""),
        ('"$ref": «"%zz"', "This is no address.", "Write a `%` as `%25`."),
        ('"pattern": «"^(ab"', "A parenthesis is never closed (character 2).",
         r"Add the `)`, or write `\\(` for one that stands for itself."),
        ('"pattern": «"[a-z"', "A `[` is never closed (character 1).",
         r"Add the `]`, or write `\\[` for one that stands for itself."),
        ('"pattern": «"[z-a]"', "A range goes backwards (character 2).",
         "Put the smaller one first, or the hyphen last."),
        ('"pattern": «"*"', "There is nothing to repeat (character 1).",
         r"Write `\\*`, `\\+` or `\\?` for one that stands for itself."),
        (r'"pattern": «"\\y"', "A backslash begins an escape that does not exist (character 1).",
         "In JSON a backslash is written twice."),
        ('"pattern": «"(?=.*[0-9]).+"', "A pattern cannot look ahead or behind.",
         "Write several patterns, one in each map of an `allOf`."),
        (r'"pattern": «"(a)\\1"', "A pattern cannot refer to what a group has found.",
         "Write it out, without the backslash."),
        (r'"pattern": «"\\u0041"', r"Kratos knows no `\u`.", "Write the character itself."),
        ('"pattern": «"a{1,1001}"', "More than 1,000 repetitions are too many.", "Write `minLength` and `maxLength`."),
        (r'"pattern": «"[\\w-.]+"', "The hyphen stands where a range cannot be.", r"Write it last: `[\w.-]`"),
        ('"pattern": «"(?i)abc"', "Flags such as `(?i)` cannot stand alone here.",
         "Put what they are for behind a colon: `(?i:…)`"),
        ('"pattern": «"(?P<a>b)"', "Groups cannot be named with `?P`.", "Write `(?<name>…)`, or just `(…)`."),
        (r'"pattern": «"\\Aa\\z"', "The text's beginning and end are written otherwise here.", "Write `^` and `$`."),
        ('"pattern": «"[[:alpha:]]"', "Names of classes such as `[:alpha:]` cannot be read here.", "Write `[A-Za-z]`"),
        (r'"pattern": «"\\pL"', "A class needs braces.", r"Write it like `\p{L}`."),
        (r'"pattern": «"\\Qa.b\\E"', r"`\Q` and `\E` cannot be read here.",
         "Put a backslash before each sign instead."),
        ('"pattern": «"a++"', "This is no pattern that can be read.", ""),
        ('"pattern": «"{}"', "A brace or bracket that stands for itself needs a backslash.",
         r"Write `\\{`, `\\}` or `\\]`."),
        ('"patternProperties": {«"(": {}}', "A parenthesis is never closed (character 1).",
         r"Add the `)`, or write `\\(` for one that stands for itself."),
    ],
)  # fmt: skip
def test_keywords_that_hold_what_they_cannot(trait: str, message: str, hint: str) -> None:
    checked, line, column = found(whole(f'"a": {{\n{trait}\n}}'))
    assert told(checked.problems) == [(line, column, message, hint)]


@pytest.mark.parametrize(
    ("marks", "message", "hint"),
    [
        ('«"credentials"', "A map belongs here, not text.", ""),
        ('{«"credential": {}}', "There is no key `credential` here.", "Did you mean `credentials`?"),
        ('{«"password": {"identifier": true}}', "There is no key `password` here.",
         "It belongs below `credentials`."),
        ('{«"via": "email"}', "There is no key `via` here.",
         "It belongs below `credentials.code` or `verification` or `recovery`."),
        ('{"credentials": {«"recovery": {}}}', "There is no key `recovery` here.",
         "It belongs below `ory.sh/kratos`."),
        ('{"credentials": {«"oidc": {}}}', "There is no key `oidc` here.", ""),
        ('{"credentials": {"password": {«"identifer": true}}}', "There is no key `identifer` here.",
         "Did you mean `identifier`?"),
        ('{"credentials": {"passkey": {«"identifier": true}}}', "There is no key `identifier` here.",
         "Did you mean `display_name`?"),
        ('{"credentials": {"password": «true}}', "A map belongs here, not true or false.",
         'Write `{"identifier": true}`'),
        ('{"verification": «"email"}', "A map belongs here, not text.", 'Write `{"via": "email"}`'),
        ('{"credentials": {"totp": {"account_name": «"true"}}}', "This must be true or false.",
         "Write true without quotes."),
        ('{"credentials": {"webauthn": {"identifier": «null}}}', "This must be true or false.", ""),
        ('{"verification": {"via": «"mail"}}', "This is none of the values allowed.", "Did you mean `email`?"),
        ('{"recovery": {"via": «"phone"}}', "This is none of the values allowed.", "Did you mean `sms`?"),
        ('{"recovery": {"via": «["sms"]}}', "This is none of the values allowed.", ""),
        ('{"organizations": {"matcher": «"email"}}', "This is none of the values allowed.", ""),
    ],
)  # fmt: skip
def test_marks_that_mean_nothing(marks: str, message: str, hint: str) -> None:
    checked, line, column = found(whole(f'"a": {{"type": "string",\n "ory.sh/kratos": {marks}}}'))
    assert told(checked.problems) == [(line, column, message, hint)]
    checked, line, column = found(
        whole('"a": {"type": "string"}', f'"definitions": {{"d": {{"ory.sh/kratos": {marks}}}}}')
    )
    assert told(checked.problems) == [(line, column, message, hint)]


def test_marks_where_kratos_does_not_look_closely() -> None:
    checked, line, column = found(whole('"a": {"allOf": [{"ory.sh/kratos": {«"credential": {}}}]}'))
    assert not checked.problems
    assert told(checked.warnings) == [
        (line, column, "There is no key `credential` here; it has no effect.", "Did you mean `credentials`?")
    ]
    checked, line, column = found(whole('"a": {"allOf": [{"ory.sh/kratos": {"recovery": {"via": «"fax"}}}]}'))
    assert told(checked.problems) == [(line, column, "This is none of the values allowed.", "")]
    checked, line, column = found(whole('"a": {"inner": {"deep": {"ory.sh/kratos": {«"a": 1}}}}'))
    assert told(checked.problems) == [(line, column, "There is no key `a` here.", "")]


@pytest.mark.parametrize(
    ("trait", "more", "message", "hint"),
    [
        ('{"$ref": «"#/definitions/mial"}', '"definitions": {"mail": {}}', "This leads nowhere: there is no `mial`.",
         "Did you mean `#/definitions/mail`?"),
        ('{"$ref": «"#/definition/mail"}', '"definitions": {"mail": {}}',
         "This leads nowhere: there is no `definition`.", "Did you mean `#/definitions/mail`?"),
        ('{"$ref": «"#mail"}', "", "Nothing here has the `$id` `#mail`.", "Write it as a path: #/definitions/mail"),
        ('{"$ref": «"#/title"}', '"title": "Person"', "This leads to text, and no schema stands there.", ""),
        ('{"$ref": "#/parts/0"}', '"parts": [{"type": «"strng"}]', "There is no type `strng`.",
         "Did you mean `string`?"),
        ('{"$ref": "#/definitions/a"}', '"definitions": {"a": {"$ref": «"#/definitions/b"}, '
         '"b": {"$ref": "#/definitions/a"}}',
         "This leads back to itself: #/definitions/b → #/definitions/a",
         "Let it lead to a map with `type` or `properties`."),
        ('{"$ref": "#/definitions/a"}', '"definitions": {"a": {"allOf": [{"$ref": «"#/definitions/a"}]}}',
         "This leads back to itself: #/definitions/a", "Let it lead to a map with `type` or `properties`."),
    ],
)  # fmt: skip
def test_references_that_lead_nowhere(trait: str, more: str, message: str, hint: str) -> None:
    checked, line, column = found(whole(f'"a": {trait}', more))
    assert told(checked.problems) == [(line, column, message, hint)]


@pytest.mark.parametrize(
    ("trait", "message", "hint"),
    [
        ('"type": "object", «"propertis": {}', "There is no keyword `propertis`, so it has no effect.",
         "Did you mean `properties`?"),
        ('"type": "string", «"formatt": "email"', "There is no keyword `formatt`, so it has no effect.",
         "Did you mean `format`?"),
        ('"type": "string", «"minlength": 3', "There is no keyword `minlength`, so it has no effect.",
         "Did you mean `minLength`?"),
        ('«"tpye": "string"', "There is no keyword `tpye`, so it has no effect.", "Did you mean `type`?"),
        ('"type": "string", «"nullable": true', "`nullable` is unknown in draft 7, so it has no effect.",
         'Write `"type": ["string", "null"]`, with the type it has.'),
        ('"type": "string", "format": «"phone"', "There is no format `phone`, so nothing is checked.",
         "Did you mean `tel`?"),
        ('"type": "string", "format": «"emial"', "There is no format `emial`, so nothing is checked.",
         "Did you mean `email`?"),
        ('"type": "string", "format": «"color"', "There is no format `color`, so nothing is checked.",
         "Remove it, or check the value with `pattern`."),
        ('"type": "string", «"minimum": 3', "`minimum` says nothing about the type `string`.", ""),
        ('"type": "string", «"required": ["b"]', "`required` says nothing about the type `string`.",
         "Move it one level up, beside `properties`."),
        ('"type": "string", "minLength": «9, "maxLength": 3', "Nothing fits: at least 9 is wanted, and at most 3.", ""),
        ('"type": "string", «"then": {}', "`then` has no effect without `if`.", ""),
        ('"type": "string", «"if": {}', "`if` has no effect without `then` or `else`.", ""),
        (f'"type": "string", «"enum": {json.dumps(list(range(501)))}',
         "Forms offer only the first 500 of these 501 values.", ""),
        ('"$ref": "#/definitions/d", «"title": "Name", "ory.sh/kratos": {}',
         "Beside `$ref` nothing else counts: `title`, `ory.sh/kratos` here.",
         "Move them into the map that `$ref` leads to."),
        ('"type": "string", «"credentials": {"password": {"identifier": true}}', "`credentials` has no effect here.",
         'Put it into `"ory.sh/kratos": {…}`.'),
        ('"type": "string", «"ory.sh/krato": {}', "`ory.sh/krato` has no effect.", "Did you mean `ory.sh/kratos`?"),
        ('"type": "string", «"ory.kratos": {}', "`ory.kratos` has no effect.", "Did you mean `ory.sh/kratos`?"),
        ('"type": "string", «"kratos": {}', "`kratos` has no effect.", "Did you mean `ory.sh/kratos`?"),
        ('"type": "object", "properties": {"b": {}, «"ory.sh/kratos": {}}',
         "Among the properties this marks none of them.",
         "Move it into the property that is meant, beside its `type`."),
        ('"type": "array", «"ory.sh/kratos": {"recovery": {"via": "email"}}',
         "This marks a list, which is no name and no address.", "Move it into `items`."),
        ('"type": "string", "ory.sh/kratos": {«"recovery": {}}', "`via` is missing, so this has no effect.",
         'Write `{"via": "email"}` or `{"via": "sms"}`.'),
        ('"type": "string", "ory.sh/kratos": {"credentials": {«"code": {"identifier": true}}}',
         "`via` is missing: Kratos refuses every value of this trait.", 'Add `"via": "email"` or `"via": "sms"`.'),
        ('"type": "string", "format": "email", "ory.sh/kratos": {"recovery": {"via": «"sms"}}',
         "This wants a telephone number, and `format` is `email`.", "Change one of the two."),
        ('"type": "string", "ory.sh/kratos": {"verification": {"via": «"sms"}}',
         "`format` is missing: Kratos then refuses every telephone number.", 'Add `"format": "tel"` to the trait.'),
        ('"type": "object", "properties": {"name": {}}, "required": [«"nmae"]',
         "`nmae` is required, and there is no such property.", "Did you mean `name`?"),
        ('"type": "object", "properties": {"name": {}}, "anyOf": [{"required": [«"fax"]}]',
         "`fax` is required, and there is no such property.", ""),
        ('"type": "object", "properties": {"b": {}}, "additionalProperties": false, '
         '"allOf": [{"properties": {«"c": {}}}]',
         "`c` is refused by `additionalProperties: false`, which sees only the `properties` beside it.",
         'Add `"c": {}` to those `properties`.'),
    ],
)  # fmt: skip
def test_what_does_not_do_what_was_meant(trait: str, message: str, hint: str) -> None:
    checked, line, column = found(whole(f'"a": {{{trait}}}', '"definitions": {"d": {"type": "string"}}'))
    assert not checked.problems
    assert told(checked.warnings) == [(line, column, message, hint)]


@pytest.mark.parametrize(
    ("more", "message", "hint"),
    [
        ('"required": [«"id"]', "`id` is required, and there is no such property.",
         "Move it into the `required` of `traits`."),
        ('"$schema": «"https://json-schema.org/draft-07/schema"',
         "Kratos does not know this spelling, and refuses every person.",
         "Write http://json-schema.org/draft-07/schema#"),
        ('"$schema": «"http://json-schema.org/draft-04/schema#"',
         "This is written for draft 4, and read as draft 7.", "Write http://json-schema.org/draft-07/schema#"),
    ],
)  # fmt: skip
def test_what_is_doubtful_about_the_whole(more: str, message: str, hint: str) -> None:
    checked, line, column = found(whole('"a": {}', more))
    assert not checked.problems
    assert told(checked.warnings) == [(line, column, message, hint)]


def test_a_schema_nobody_can_sign_in_with() -> None:
    text = '{"type": "object", "properties": {«"traits": {"type": "object", "properties": {"a": {}}}}}'
    checked, line, column = found(text)
    assert not checked.problems
    assert told(checked.warnings) == [
        (
            line,
            column,
            "No trait is an identifier: nobody can sign in with a password, a code or a passkey.",
            'Add `"ory.sh/kratos": {"credentials": {"password": {"identifier": true}}}` to the trait people sign in with.',
        )
    ]
    away = text.replace(MARK, "").replace('"a": {}', '"a": {"$ref": "https://example.com/a.json"}')
    assert check(away.encode(), "a") == Checked((), ())  # what stands elsewhere is not known here


def test_all_mistakes_come_at_once_in_reading_order() -> None:
    text = whole('"a": {"type": "strng", "minLength": "3"},\n"b": {"$ref": "#/x"},\n"c": {"pattern": "("}', '"$id": 7')
    problems = check(text.encode(), "person.json").problems
    assert [(problem.line, problem.path) for problem in problems] == [
        (8, "/properties/traits/properties/a/type"),
        (8, "/properties/traits/properties/a/minLength"),
        (9, "/properties/traits/properties/b/$ref"),
        (10, "/properties/traits/properties/c/pattern"),
        (13, "/$id"),
    ]
    report = render(problems)
    assert '9 │ "b": {"$ref": "#/x"},\n' in report
    assert "allowed: string, number, integer, boolean, object, array, null\n  → Did you mean `string`?" in report


def test_what_was_found_is_told_where_no_line_can_be_shown() -> None:
    text = whole('"a": {"type": "strng", "minLength": {}}, "b": 1', f'"$comment": "{"x" * 200}"')
    problems = check(json.dumps(json.loads(text)).encode(), "person.json").problems
    assert [(problem.source, problem.found) for problem in problems] == [
        ("", '"strng"'),
        ("", "an empty map"),
        ("", "1"),
    ]


def test_the_byte_order_mark_is_no_mistake() -> None:
    assert check(b"\xef\xbb\xbf" + whole('"a": {}').encode(), "a") == Checked((), ())


# ---- what Kratos takes

EMAIL: dict[str, Any] = {
    "type": "string",
    "format": "email",
    "title": "E-Mail",
    "minLength": 3,
    "ory.sh/kratos": {
        "credentials": {
            "password": {"identifier": True},
            "webauthn": {"identifier": True},
            "totp": {"account_name": True},
            "passkey": {"display_name": True},
            "code": {"identifier": True, "via": "email"},
        },
        "verification": {"via": "email"},
        "recovery": {"via": "email"},
        "organizations": {"matcher": "email_domain"},
    },
}
PHONE: dict[str, Any] = {
    "type": "string",
    "format": "tel",
    "ory.sh/kratos": {
        "credentials": {"code": {"identifier": True, "via": "sms"}},
        "verification": {"via": "sms"},
        "recovery": {"via": "sms"},
    },
}
NAME: dict[str, Any] = {"type": "string", "ory.sh/kratos": {"credentials": {"password": {"identifier": True}}}}


def schema(traits: dict[str, Any], extra: dict[str, Any] | None = None, **more: object) -> dict[str, Any]:
    return {
        "$id": "https://example.com/person.schema.json",
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Person",
        "type": "object",
        "properties": {"traits": {"type": "object", "properties": traits, **(extra or {})}},
        "additionalProperties": False,
        **more,
    }


CLEAN: dict[str, dict[str, Any]] = {
    "e-mail and password": schema({"email": EMAIL}, {"required": ["email"], "additionalProperties": False}),
    "username": schema(
        {"username": {**NAME, "pattern": "^[a-z0-9._-]{3,32}$", "minLength": 3, "maxLength": 32}},
        {"required": ["username"]},
    ),
    "phone": schema({"phone": PHONE}, {"required": ["phone"]}),
    "an address that is verified without a format": schema(
        {"email": {"type": "string", "ory.sh/kratos": {**EMAIL["ory.sh/kratos"]}}}
    ),
    "an address of any kind": schema({"email": {**EMAIL, "format": "no-validate"}}),
    "customer": schema(
        {
            "email": EMAIL,
            "phone": PHONE,
            "name": {
                "type": "object",
                "properties": {"first": {"type": "string", "title": "First"}, "last": {"type": "string"}},
                "required": ["last"],
                "additionalProperties": False,
            },
            "addresses": {
                "type": "array",
                "minItems": 1,
                "uniqueItems": True,
                "items": {
                    "type": "object",
                    "properties": {"street": {"type": "string"}, "zip": {"type": "string", "pattern": "^\\d{5}$"}},
                    "required": ["street"],
                },
            },
            "emails": {"type": "array", "items": EMAIL},
            "language": {"enum": ["de", "en", None], "default": "de"},
            "born": {"type": "string", "format": "date"},
            "age": {"type": ["integer", "null"], "minimum": 0, "exclusiveMaximum": 150},
            "newsletter": {"type": "boolean", "disableFormField": True, "readOnly": True},
            "website": {"type": "string", "format": "uri", "x-hint": "https://…", "examples": ["https://example.com"]},
        },
        {"required": ["email", "name"]},
        required=["traits"],
    ),
    "references": schema(
        {
            "email": {"$ref": "#/definitions/email", "description": "Shared"},
            "backup": {"$ref": "#/definitions/a~1b%20c"},
            "boss": {"$ref": "#/definitions/person"},
            "any": {"$ref": "#named"},
            "self": {"items": {"$ref": "#/properties/traits/properties/self"}},
            "else": {"$ref": "#/$defs/x"},
        },
        definitions={
            "email": EMAIL,
            "a/b c": {"type": "string"},
            "named": {"$id": "#named", "type": "string"},
            "person": {"type": "object", "properties": {"boss": {"$ref": "#/definitions/person"}}},
            "unused": {"$ref": "https://example.com/other.json#/definitions/x"},
        },
        **{"$defs": {"x": {"type": "string"}}},
    ),
    "conditions": schema(
        {
            "kind": {"type": "string", "enum": ["person", "company"]},
            "email": {"allOf": [{"type": "string"}, EMAIL]},
            "company": {"type": "string"},
            "phone": {"anyOf": [PHONE, {"type": "string", "maxLength": 0}]},
        },
        {
            "required": ["kind"],
            "if": {"properties": {"kind": {"const": "company"}}, "required": ["kind"]},
            "then": {"required": ["company"]},
            "else": {"properties": {"company": False}},
            "anyOf": [{"required": ["email"]}, {"required": ["phone"]}],
            "not": {"required": ["banned"]},
            "dependencies": {"phone": ["kind"], "company": {"required": ["email"]}},
            "propertyNames": {"pattern": "^[a-z]+$"},
        },
    ),
    "names from somewhere else": schema(
        {"email": EMAIL},
        {"patternProperties": {"^x-": {}}, "required": ["x-id"], "allOf": [{"required": ["x-id"]}]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CLEAN)
def test_what_kratos_takes_is_clean(name: str) -> None:
    raw = json.dumps(CLEAN[name], indent=2).encode()
    checked = check(raw, f"{name}.json")
    assert render([*checked.problems, *checked.warnings]) == render([])
    if name != "references":  # something it names is elsewhere
        IdentitySchema(name, raw)


def test_the_schema_we_bring_is_clean() -> None:
    raw = (Path(limen.defaults.__file__).parent / "identity.schema.json").read_bytes()
    assert check(raw, "identity.schema.json") == Checked((), ())


# ---- anything at all

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.sampled_from(
    ["string", "object", "#", "#/properties/traits", "email", "(", "true", "http://json-schema.org/draft-07/schema#"]
)  # fmt: skip
NAMES = st.sampled_from([*KEYWORDS, "ory.sh/kratos", "traits", "credentials", "password", "identifier", "via", "code"])
ANY = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | st.text(max_size=4), inner, max_size=6),
    max_leaves=40,
)


def nothing_raised(raw: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        checked = check(raw, "person.json")
    for problem in (*checked.problems, *checked.warnings):
        assert problem.file == "person.json"
        assert problem.message.endswith((".", ")", "?")) or "leads back" in problem.message
    render([*checked.problems, *checked.warnings])


@settings(deadline=None)
@given(ANY)
def test_nothing_is_ever_raised(data: object) -> None:
    nothing_raised(json.dumps(data).encode())


@settings(deadline=None)
@given(st.dictionaries(NAMES, ANY, max_size=4), st.dictionaries(NAMES | st.text(max_size=3), ANY, max_size=4))
def test_nothing_is_ever_raised_about_something_like_a_schema(traits: dict[str, Any], more: dict[str, Any]) -> None:
    nothing_raised(json.dumps({**more, "properties": {"traits": {"properties": traits, **more}}}).encode())


@given(st.binary(max_size=40))
def test_nothing_is_ever_raised_about_bytes(raw: bytes) -> None:
    nothing_raised(raw)


@settings(deadline=None, max_examples=200)
@given(st.dictionaries(NAMES | st.text(max_size=3), ANY, max_size=4))
def test_what_is_clean_can_be_compiled(more: dict[str, Any]) -> None:
    more = {name: value for name, value in more.items() if name not in ("$ref", "$id", "properties", "type")}
    raw = json.dumps(schema({"email": EMAIL, "a": more})).encode()
    if b"$ref" in raw or b"$id" in raw or b"Infinity" in raw or b"\\ud" in raw:
        return  # a library may refuse a few of these that Kratos takes; `schemaload` tells so
    if not check(raw, "person.json").problems:
        IdentitySchema("person", raw)


def test_checking_is_little_work() -> None:
    text = json.dumps(CLEAN["customer"], indent=2).encode()
    assert text.count(b"\n") > 90
    check(text, "person.json")
    assert calls(lambda: check(text, "person.json")) < 20_000
