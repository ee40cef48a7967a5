"""Go templates as Go reads them, and nothing of Python within their reach.

What is expected was made with Go's text/template, html/template and sprig.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from limen.core import templatemistakes, templates
from limen.core.templates import Kind, Record, TemplateError

TRAITS = {
    "email": "ann@example.org", "name": {"first": "Ann <b>", "last": "O'Hara & \"Co\""}, "age": 42, "big": 12345678901,
    "pi": 3.14159, "tags": ["a", "b", "c"], "ok": True, "no": False, "nil": None, "empty": "", "list": [],
}  # fmt: skip
PAYLOAD = {"word": "hello", "url": "javascript:alert(1)", "deep": {"x": [1, {"y": "z"}]}, "text": "grüße"}


def record(**more: Any) -> Record:
    fields = {
        "To": "ann@example.org",
        "Code": "123456",
        "Url": "https://id.example.org/x?a=1&b=2",
        "Minutes": 60,
        "Identity": templates.numbers({"id": "1", "traits": TRAITS, "metadata_public": None}),
        "Payload": templates.numbers(PAYLOAD),
        "Login": None,
    }
    return Record(**fields | more)


def render(source: str, kind: Kind = "text", **more: Any) -> str:
    return templates.render({"main": source}, record(**more), kind)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ .To }} {{ .Minutes }}", "ann@example.org 60"),
        ("{{ .Identity.traits.name.first }}", "Ann <b>"),
        ("{{ .Identity.nope }}|{{ .Identity.metadata_public }}", "<no value>|<no value>"),
        (
            "{{ .Identity.traits.age }} {{ .Identity.traits.big }} {{ .Identity.traits.pi }}",
            "42 1.2345678901e+10 3.14159",
        ),
        ("{{ .Identity.traits.tags }} {{ .Payload.deep }}", "[a b c] map[x:[1 map[y:z]]]"),
        ("{{ add .Minutes 1 }} {{ div .Minutes 60 }} {{ mul 2 3 }}", "61 1 6"),
        ("{{ range $i, $e := .Identity.traits.tags }}{{ $i }}={{ $e }};{{ end }}", "0=a;1=b;2=c;"),
        ("{{ range .Identity.traits.list }}x{{ else }}none{{ end }}", "none"),
        ("{{ with .Login }}{{ .Client.Name }}{{ else }}plain{{ end }}", "plain"),
        ('{{ if eq .Payload.missing "de" }}de{{ else }}other{{ end }}', "other"),
        ('{{ if eq .Payload.word "x" "hello" }}yes{{ end }}{{ if ne .Payload.word "x" }}no{{ end }}', "yesno"),
        ("{{ if eq .Identity.traits.nil .Payload.missing }}both nil{{ end }}", "both nil"),
        ('{{ default "there" .Identity.traits.empty }} {{ coalesce .Identity.traits.nil "x" }}', "there x"),
        ("{{ toJson .Identity.traits.name }}", '{"first":"Ann \\u003cb\\u003e","last":"O\'Hara \\u0026 \\"Co\\""}'),
        ("{{ upper .Payload.text }} {{ len .Payload.text }}", "GRÜßE 7"),
        ('{{ printf "%s-%05d-%.1f" .Code .Minutes .Identity.traits.pi }}', "123456-00060-3.1"),
        ('{{ .To | trimSuffix "@example.org" | quote }}', '"ann"'),
        ('{{ regexReplaceAll "n+" .To "N" }} {{ substr 0 3 .Code }}', "aN@example.org 123"),
        ('{{ define "x" }}<{{ . }}>{{ end }}{{ template "x" .To }}', "<ann@example.org>"),
        ("a {{- /* gone */ -}} b {{ $x := 1 }}{{ $x = 2 }}{{ $x }}", "ab 2"),
        ('{{ dict "a" 1 | toJson }} {{ list 1 2 | join "," }} {{ ternary "a" "b" true }}', '{"a":1} 1,2 a'),
    ],
)
def test_text_is_what_go_makes(source: str, expected: str) -> None:
    assert render(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ .Identity.nope }}|{{ .Identity.nope.deeper }}|{{ .Identity.metadata_public }}", "||"),
        ('{{ index .Identity "nope" }}|{{ index .Identity.traits.tags 1 }}', "|b"),
        ("<p>{{ .Identity.traits.name.last }}</p>", "<p>O&#39;Hara &amp; &#34;Co&#34;</p>"),
        ('<a href="{{ .Url }}">{{ .Url }}</a>',
         '<a href="https://id.example.org/x?a=1&amp;b=2">https://id.example.org/x?a=1&amp;b=2</a>'),
        ('<a href="{{ .Payload.url }}">x</a>', '<a href="#ZgotmplZ">x</a>'),
        ("<script>var x = {{ .Identity.traits.name }};</script>",
         '<script>var x = {"first":"Ann \\u003cb\\u003e","last":"O\'Hara \\u0026 \\"Co\\""};</script>'),
        ("<!-- {{ .To }} --><p>{{ .To }}</p>", "<p>ann@example.org</p>"),
    ],
)  # fmt: skip
def test_html_is_escaped_as_go_does(source: str, expected: str) -> None:
    assert render(source, "html") == expected


@pytest.mark.parametrize(
    "source",
    [
        "{{ if }}", "{{ .To", "{{ end }}", "{{ nope 1 }}", '{{ template "nope" . }}', "{{ .Nope }}", "{{ .nope.x }}",
        "{{ index .Identity.traits.tags 9 }}", '{{ if eq .Minutes "60" }}{{ end }}', '{{ fail "stop" }}',
        "{{ now }}", '{{ env "HOME" }}', "{{ uuidv4 }}", "{{ randAlpha 3 }}", '{{ getHostByName "x" }}', '{{ date "2006" 1 }}',
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["text", "html"])
def test_a_mistake_is_told(source: str, kind: Kind) -> None:
    with pytest.raises(TemplateError) as raised:
        render(source, kind)
    assert str(raised.value)


@pytest.mark.parametrize(
    "source",
    [
        "{{ .To.__class__ }}", "{{ .__class__ }}", "{{ .To.upper }}", "{{ .Minutes.real }}", "{{ .Identity.traits.tags.append }}",
        '{{ (printf "a").join }}', "{{ call .To }}", "{{ .To.format }}", "{{ .Minutes.__init__ }}",
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["text", "html"])
def test_nothing_of_python_can_be_reached(source: str, kind: Kind) -> None:
    with pytest.raises(TemplateError):
        render(source, kind)


@pytest.mark.parametrize(
    "source",
    [
        '{{ repeat 99999999 "a" }}', "{{ range until 100000000 }}x{{ end }}", '{{ printf "%99999999d" 1 }}',
        '{{ printf "%*d" 99999999 1 }}', '{{ define "a" }}{{ template "a" . }}{{ end }}{{ template "a" . }}',
        '{{ $x := "ab" }}{{ range until 10000 }}{{ $x = print $x $x }}{{ end }}', '{{ indent 5000000 "x" }}',
        '{{ $x := "\\\\" }}{{ range until 10000 }}{{ $x = js $x }}{{ end }}',
        "{{ range until 10000 }}{{ range until 10000 }}x{{ end }}{{ end }}",
        "{{ $x := list 1 }}{{ range until 10000 }}{{ $x = concat $x $x }}{{ end }}",
    ],
)  # fmt: skip
def test_what_would_never_end_or_fill_the_memory_is_stopped(source: str) -> None:
    with pytest.raises(TemplateError):
        render(source)


def test_sources_use_each_other_by_name() -> None:
    sources = {"main": '{{ template "foot.gotmpl" .To }}', "foot.gotmpl": "-- {{ . }}"}
    assert templates.render(sources, record()) == "-- ann@example.org"


def test_a_struct_inside_is_read_like_one() -> None:
    login = Record(Challenge="c", Client=Record(Name="Shop <1>"))
    assert render("{{ with .Login }}{{ .Client.Name }}{{ end }}", Login=login) == "Shop <1>"
    assert render("<p>{{ .Login.Client.Name }}</p>", "html", Login=login) == "<p>Shop &lt;1&gt;</p>"
    with pytest.raises(TemplateError, match="there is no field Secret"):
        render("{{ .Login.Client.Secret }}", Login=login)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ .To }}", []),
        ("{{ .A }}\n  {{ $.B }}", [(1, 4, "A"), (2, 6, "B")]),
        ("{{ if .To }}{{ else if .A }}{{ else }}{{ .C }}{{ end }}{{ .D }}", [(1, 24, "A"), (1, 42, "C"), (1, 59, "D")]),
        ("{{ with .Identity }}{{ .x }}{{ $.A }}{{ else }}{{ .B }}{{ end }}{{ .C }}", [(1, 32, "A"), (1, 51, "B"), (1, 68, "C")]),
        ("{{ range .A }}{{ range .x }}{{ .y }}{{ end }}{{ .z }}{{ end }}{{ .B }}", [(1, 10, "A"), (1, 66, "B")]),
        ('{{ define "x" }}{{ .y }}{{ $.z }}{{ end }}{{ template "x" .A }}', [(1, 59, "A")]),
        ('{{ "quoted .A }}" }}{{ `raw .B` }}{{/* a comment .C */}}{{ .Identity.D }}{{ (.Identity).E }}{{ 1.5 }}', []),
        ("{{ end }}{{ end }}{{ .A }}", [(1, 22, "A")]),
        ("{{- .A -}}{{if .B}}", [(1, 5, "A"), (1, 16, "B")]),
    ],
)  # fmt: skip
def test_variables_that_are_not_there_are_found_without_running(
    source: str, expected: list[tuple[int, int, str]]
) -> None:
    found, _ = templatemistakes.find(source, [record()], "html")
    told = [
        (one.line, one.column, match[1]) for one in found if (match := re.match(r"there is no \.(\w+)", one.message))
    ]
    assert told == expected
