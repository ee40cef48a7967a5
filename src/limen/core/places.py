"""YAML 1.2, JSON and TOML as plain data that remembers where everything stood; what it means is not known here."""

import json
import re
import tomllib
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal, NoReturn

import yaml
from msgspec import Struct

Form = Literal["yaml", "json", "toml"]
FORMS: Final[Mapping[str, Form]] = {".yaml": "yaml", ".yml": "yaml", ".json": "json", ".toml": "toml"}
_DEEPEST: Final = 100  # levels; whoever walks the data afterwards may recurse without a thought
_LARGEST: Final = 100_000  # places; nine lines of YAML aliases can ask for a billion


class Problem(Struct, frozen=True, kw_only=True):
    """One thing that is wrong and how to mend it. Lines and columns count from 1; 0 means that there is none."""

    file: str  # or the name of another origin, such as an environment variable
    line: int = 0
    column: int = 0
    path: str = ""
    found: str = ""
    expected: str = ""
    message: str
    hint: str = ""
    source: str = ""  # the line itself, with secrets covered


class Place(Struct, frozen=True):
    """Where something stands: a file with line and column, or another origin without."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


class Places:
    """JSON pointer → place, for the values of a document and, where they have one, for their keys."""

    def __init__(self, whole: Place) -> None:
        self.whole = whole
        self.keys: dict[str, Place] = {}
        self.values: dict[str, Place] = {}

    def key(self, at: str) -> Place:
        """Where the key at this pointer stands; without one, where its value does."""
        return self.keys.get(at) or self.value(at)

    def value(self, at: str) -> Place:
        """Where the value at this pointer stands, or the nearest thing around it that has a place."""
        while at:
            if place := self.values.get(at) or self.keys.get(at):
                return place
            at = at.rpartition("/")[0]
        return self.whole

    def below(self, at: str) -> list[str]:
        """The pointers of everything inside the value at this pointer."""
        return [known for known in {**self.keys, **self.values} if known.startswith(at + "/")]

    def forget(self, at: str) -> None:
        """Drop what is inside the value at this pointer, because another value takes its place."""
        for known in self.below(at):
            self.keys.pop(known, None)
            self.values.pop(known, None)

    def copy(self, start: str, at: str) -> None:
        """What is inside the value at `start` is now inside the one at `at` too, and stands where it stood."""
        for known in self.below(start):
            for places in (self.keys, self.values):
                if place := places.get(known):
                    places[at + known[len(start) :]] = place


class Document(Struct, frozen=True):
    """What was read: plain data (maps, lists, text, numbers, booleans, null), the places, and the lines."""

    data: object
    places: Places
    lines: Sequence[str]


class DocumentError(ValueError):
    """A document that is not what its form demands; `problems` says where and why, `lines` is its text."""

    def __init__(self, problems: Sequence[Problem], lines: Sequence[str] = ()) -> None:
        super().__init__("; ".join(f"{problem.file}:{problem.line}: {problem.message}" for problem in problems))
        self.problems = tuple(problems)
        self.lines = lines


def pointer(*steps: str | int) -> str:
    """The JSON pointer (RFC 6901) of these steps."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def read(path: Path) -> Document:
    """Read a file; its ending says which form it has. Raises `DocumentError`, also for what the system refuses."""
    name, wanted = str(path), ", ".join(FORMS)
    form = FORMS.get(path.suffix.lower())
    if form is None:
        message = (
            f"Files ending in `{path.suffix}` cannot be read." if path.suffix else "The file's name has no ending."
        )
        hint = f"Give it a name that ends in one of {wanted}."
        raise DocumentError([Problem(file=name, found=path.suffix, expected=wanted, message=message, hint=hint)])
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        problem = Problem(file=name, line=line, column=1, message="This is not UTF-8.", hint="Save the file as UTF-8.")
        raise DocumentError([problem]) from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        hint = "" if path.is_absolute() else f"Relative names start from here: {Path.cwd()}"
        raise DocumentError([Problem(file=name, message=f"The file cannot be read: {why}.", hint=hint)]) from None
    return parse(text, name, form)


def parse(text: str, file: str, form: Form) -> Document:
    """Parse a text of the given form; places will name `file`. Raises `DocumentError`."""
    reading = _Reading(text, file)
    data: object = None
    try:
        data = {"yaml": _yaml, "json": _json, "toml": _toml}[form](reading)
    except _GaveUp:
        pass
    except RecursionError:
        reading.problems.append(Problem(file=file, message="This is nested too deeply."))
    if reading.problems:
        raise DocumentError(reading.problems, reading.lines)
    return Document(data, reading.places, reading.lines)


class _GaveUp(Exception):
    pass


class _Reading:
    """A text being read: what is known of its places so far, and what was wrong."""

    def __init__(self, text: str, file: str) -> None:
        self.text, self.file = text, file
        self.lines = text.split("\n")
        self.places = Places(Place(file, 1, 1))
        self.problems: list[Problem] = []

    def wrong(self, line: int, column: int, message: str, hint: str = "") -> None:
        self.problems.append(Problem(file=self.file, line=line, column=column, message=message, hint=hint))

    def give_up(self, line: int, column: int, message: str, hint: str = "") -> NoReturn:
        self.wrong(line, column, message, hint)
        raise _GaveUp

    def value(self, at: str, line: int, column: int, level: int) -> None:
        if level > _DEEPEST:
            self.give_up(line, column, f"This is nested more than {_DEEPEST} levels deep.")
        if len(self.places.values) > _LARGEST:
            self.give_up(line, column, f"There are more than {_LARGEST:,} values, counting what aliases repeat.")
        self.places.values[at] = Place(self.file, line, column)

    def key(self, at: str, name: str, line: int, column: int) -> None:
        """Note where a key stands. YAML and JSON both let one win silently when it is there twice: no luck for us."""
        if first := self.places.keys.get(at):
            hint = f"It stands in line {first.line} already: keep one of the two, or join them."
            self.wrong(line, column, f"`{name}` is there twice in the same map.", hint)
        else:
            self.places.keys[at] = Place(self.file, line, column)


# ---- YAML: from events, since the rest of PyYAML follows YAML 1.1, where `on` is true and 1:30 is 90

_WORDS: Final = {"": None, "~": None, "null": None, "Null": None, "NULL": None} | {
    spelling: word == "true" for word in ("true", "false") for spelling in (word, word.title(), word.upper())
}
_WHOLE: Final = re.compile(r"([-+]?)(?:0o([0-7]+)|0x([0-9a-fA-F]+)|(0[0-7]+)|([0-9]+))")
_DECIMAL: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_SPECIAL: Final = re.compile(r"([-+]?)\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_TAG: Final = "tag:yaml.org,2002:"
_TAGS: Final = frozenset(_TAG + name for name in ("str", "int", "float", "bool", "null", "map", "seq"))
_YAML_SAYS: Final = {  # how libyaml and PyYAML put it → what it usually means
    "mapping values are not allowed": (
        "A colon stands where no key can be.",
        "Put quotes around a value that contains `: `, and check that the lines above are indented alike.",
    ),
    "did not find expected key": (
        "This line does not fit the lines above.",
        "Check that keys of the same map begin in the same column, and that nothing follows a closing quote.",
    ),
    "did not find expected '-' indicator": (
        "A key stands where the next item of a list was expected.",
        "Items of one list begin with `- ` in the same column; indent the key, or end the list.",
    ),
    "did not find expected ',' or ']'": ("A `[` is never closed.", "Add the `]`, or a comma between two items."),
    "did not find expected ',' or '}'": ("A `{` is never closed.", "Add the `}`, or a comma between two keys."),
    "found unexpected end of stream": ("A quote is never closed.", "Add the closing quote."),
    "found unknown escape character": (
        "A backslash in double quotes begins an escape, and this is none.",
        "Write it in single quotes, or double the backslash.",
    ),
    "could not find expected ':'": ("A key without its colon.", "Write `key: value`, with a space after the colon."),
}


def plain(text: str) -> object:
    """What an unquoted YAML scalar is, by the core schema of YAML 1.2."""
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > 40:  # no number that anybody means, and int() would refuse the longest
        return text
    if whole := _WHOLE.fullmatch(text):
        sign, new_octal, hexadecimal, octal, number = whole.groups()
        # 0755 is 493, as in Kratos, whose YAML reader still takes a leading zero for octal: file modes are written so.
        value = int(number) if number else int(hexadecimal, 16) if hexadecimal else int(new_octal or octal, 8)
        return -value if sign == "-" else value
    if _DECIMAL.fullmatch(text):
        return float(text)
    if special := _SPECIAL.fullmatch(text):
        return float("nan") if "a" in text.lower() else float(f"{special[1]}inf")
    return text


def _spot(event: yaml.Event) -> tuple[int, int]:
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _yaml(reading: _Reading) -> object:
    events: Iterator[yaml.Event] = yaml.parse(reading.text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    try:
        return _YamlReader(reading, events).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        said = error.problem or "it cannot be read"
        here = reading.lines[line - 1][column - 1 : column] if line <= len(reading.lines) else ""
        if here == "\t":
            reading.give_up(line, column, "A tab is used for indentation.", "YAML allows only spaces: replace the tab.")
        if "cannot start any token" in said:
            reading.give_up(line, column, f"A value cannot begin with `{here}`.", "Put quotes around the value.")
        if error.context_mark and ("unexpected end of stream" in said or "expected ','" in said):  # where it was opened
            line, column = error.context_mark.line + 1, error.context_mark.column + 1
        message, hint = next(
            (says for part, says in _YAML_SAYS.items() if part in said), (f"This is no YAML: {said}.", "")
        )
        reading.give_up(line, column, message, hint)
    except yaml.YAMLError as error:
        before = reading.text[: getattr(error, "position", 0)]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        reading.give_up(
            line, column, "There is a character that YAML does not allow.", "Remove it, or write it escaped."
        )


class _YamlReader:
    def __init__(self, reading: _Reading, events: Iterator[yaml.Event]) -> None:
        self.reading, self.events = reading, events
        self.anchors: dict[str, tuple[object, str]] = {}

    def document(self) -> object:
        data: object = None
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                data = self.node(next(self.events), "", 0)
                break
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                self.wrong(
                    event, "A second document begins here.", "Only one is read: remove the `---`, or split the file."
                )
                break
        return data

    def wrong(self, event: yaml.Event, message: str, hint: str = "") -> None:
        self.reading.wrong(*_spot(event), message, hint)

    def node(self, event: yaml.Event, at: str, level: int) -> object:
        self.reading.value(at, *_spot(event), level)
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event, at)
        value: object
        if isinstance(event, yaml.ScalarEvent):
            value = self.scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self.sequence(at, level)
        else:
            value = self.mapping(at, level)
        tag, anchor = str(getattr(event, "tag", None) or "!"), getattr(event, "anchor", None)
        if tag != "!" and tag not in _TAGS:
            # Neither tags nor aliases are shown: somebody's password may begin with `!` or `*`.
            self.wrong(event, "A tag (`!…`) means nothing here.", "Put quotes around a value that begins with `!`.")
        if anchor:
            self.anchors[anchor] = (value, at)
        return value

    def alias(self, event: yaml.AliasEvent, at: str) -> object:
        if event.anchor not in self.anchors:  # also when it stands inside what it names
            hint = "Put `&` and the name on a value above, or quotes around a value that begins with `*`."
            self.wrong(event, "An alias (`*…`) repeats a value that is named nowhere above.", hint)
            return None
        value, start = self.anchors[event.anchor]
        self.reading.places.copy(start, at)
        return value

    def scalar(self, event: yaml.ScalarEvent) -> object:
        if event.tag and event.tag.removeprefix(_TAG) in ("int", "float", "bool", "null"):
            return plain(event.value)
        return plain(event.value) if event.implicit[0] and event.tag is None else event.value

    def sequence(self, at: str, level: int) -> list[object]:
        items: list[object] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            items.append(self.node(event, f"{at}/{len(items)}", level + 1))
        return items

    def mapping(self, at: str, level: int) -> dict[str, object]:
        values: dict[str, object] = {}
        merged: list[tuple[object, str]] = []
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            name, below = self.key(event, at, level)
            value = self.node(next(self.events), below, level + 1)
            if name == "<<" and isinstance(event, yaml.ScalarEvent) and event.implicit[0]:
                several = enumerate(value) if isinstance(value, list) else ()
                merged += [(part, f"{below}/{index}") for index, part in several] or [(value, below)]
                for part, _ in merged:
                    if not isinstance(part, dict):
                        self.wrong(
                            event,
                            "`<<` takes a map, or a list of maps.",
                            "Name one with `&name`, use it as `<<: *name`.",
                        )
            else:
                values[name] = value
        for part, start in merged:
            for name, value in part.items() if isinstance(part, dict) else ():
                if name not in values:  # what is written out wins, and of several maps the first
                    values[name] = value
                    source, target = start + pointer(name), at + pointer(name)
                    for places in (self.reading.places.keys, self.reading.places.values):
                        if place := places.get(source):
                            places[target] = place
                    self.reading.places.copy(source, target)
        return values

    def key(self, event: yaml.Event, at: str, level: int) -> tuple[str, str]:
        if isinstance(event, yaml.ScalarEvent):
            name = event.value
            below = at + pointer(name)
            self.reading.key(below, name, *_spot(event))
            return name, below
        value = self.node(event, at + "/?", level + 1)
        if isinstance(event, yaml.AliasEvent) and isinstance(value, str):
            return value, at + pointer(value)
        hint = "Render templates (`{{ … }}`) first, and put quotes around a value that begins with a brace."
        self.wrong(event, "A map or a list cannot be a key.", hint)
        return "?", at + "/?"


# ---- JSON: checked by the standard library, then run over once more for the places

_JSON_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_JSON_SAYS: Final = {
    "'": "Names and text stand in double quotes.",
    "/": "JSON has no comments.",
    "}": "No comma before a closing brace.",
    "]": "No comma before a closing bracket.",
}


def _json(reading: _Reading) -> object:
    def constant(name: str) -> NoReturn:
        raise json.JSONDecodeError(f"{name} is no number", reading.text, max(reading.text.find(name), 0))

    try:
        data: object = json.loads(reading.text, parse_constant=constant)
    except json.JSONDecodeError as error:
        here = reading.text[error.pos : error.pos + 1]
        hint = _JSON_SAYS.get(here, "")
        if error.msg.startswith("Expecting ',' delimiter"):
            hint = "A comma or a closing bracket is missing before this place."
        reading.give_up(error.lineno, error.colno, f"This is no JSON: {error.msg}.", hint)
    except ValueError:  # int() refuses more than 4,300 digits
        reading.give_up(1, 1, "This is no JSON that can be read: a number is far too long.")
    _json_places(reading)
    return data


def _json_places(reading: _Reading) -> None:
    starts = [0, *(found.end() for found in re.finditer("\n", reading.text))]
    inside: list[tuple[str, int | None]] = []  # what is open: its pointer, and for a list the number of the item
    at, key_next = "", False
    for token in _JSON_TOKEN.finditer(reading.text):
        sign = token[0]
        line = bisect_right(starts, token.start())
        column = token.start() - starts[line - 1] + 1
        if sign in "}]":
            inside.pop()
            key_next = False
        elif sign == ",":
            open_, number = inside[-1]
            key_next = number is None
            if number is not None:
                inside[-1] = (open_, number + 1)
                at = f"{open_}/{number + 1}"
        elif key_next:
            name = json.loads(sign)
            at = inside[-1][0] + pointer(name)
            reading.key(at, name, line, column)
            key_next = False
        elif sign != ":":
            reading.value(at, line, column, len(inside))
            if sign in "{[":
                inside.append((at, 0 if sign == "[" else None))
                key_next = sign == "{"
                at = at if key_next else f"{at}/0"


# ---- TOML: the standard library tells no places, so a look at each line has to do

_TOML_LINE: Final = re.compile(r"""\s*(\[{0,2})\s*((?:"[^"]*"|'[^']*'|[\w-]+|\s*\.\s*)+)\s*(\]{0,2})\s*(=?)\s*""")
_TOML_NAME: Final = re.compile(r""""([^"]*)"|'([^']*)'|([\w-]+)""")


def _toml(reading: _Reading) -> object:
    try:
        data = tomllib.loads(reading.text)
    except tomllib.TOMLDecodeError as error:
        said, _, where = str(error).partition(" (at ")
        numbers = re.findall(r"\d+", where) or [len(reading.lines), 1]  # without: at the end of the document
        reading.give_up(int(numbers[0]), int(numbers[1]), f"This is no TOML: {said}.")
    except ValueError:  # int() refuses more than 4,300 digits
        reading.give_up(1, 1, "This is no TOML that can be read: a number is far too long.")
    table, counts = "", dict[str, int]()
    for number, line in enumerate(reading.lines, 1):
        found = _TOML_LINE.match(line)
        if not found or not (found[1] or found[4]):
            continue
        names = ["".join(parts) for parts in _TOML_NAME.findall(found[2])]
        if found[1]:
            at = ""
            for name in names:
                at += pointer(name)
                if at in counts and name is not names[-1]:
                    at += f"/{counts[at]}"
            if found[1] == "[[":
                counts[at] = counts.get(at, -1) + 1
                reading.places.keys.setdefault(at, Place(reading.file, number, found.start(2) + 1))
                at += f"/{counts[at]}"
            elif at in counts:
                at += f"/{counts[at]}"
            table = at
            reading.places.keys[at] = Place(reading.file, number, found.start(2) + 1)
        else:
            at = table + pointer(*names)
            reading.places.keys[at] = Place(reading.file, number, found.start(2) + 1)
            reading.places.values[at] = Place(reading.file, number, found.end() + 1)
    return _without_times(data, 0)


def _without_times(value: object, level: int) -> object:
    """TOML has dates, plain data does not: they become text."""
    if level > _DEEPEST:
        raise RecursionError
    if isinstance(value, dict):
        return {name: _without_times(part, level + 1) for name, part in value.items()}
    if isinstance(value, list):
        return [_without_times(part, level + 1) for part in value]
    return value if isinstance(value, (str, int, float)) else str(value)
