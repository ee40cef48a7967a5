"""Numbers about the running process, written as Prometheus reads them (text format 0.0.4, or OpenMetrics 1.0).

What is counted costs a look into a dict; adding up is left to who asks. The names are in docs/guide/metrics.md.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

from msgspec import Struct

Labels = tuple[tuple[str, str], ...]
Kind = Literal["counter", "gauge", "histogram"]

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
BYTES = (100.0, 1_000.0, 10_000.0, 100_000.0, 1_000_000.0)
TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


class Sample(Struct, frozen=True):
    """One line: what the name ends with (`_sum`), the labels, the value."""

    ending: str
    labels: Labels
    value: float


class Family(Struct, frozen=True):
    """All lines of one name. Counters are named with their `_total`."""

    name: str
    kind: Kind
    says: str
    samples: Sequence[Sample]


class Spread:
    """How often values fell below each bound, and what they add up to."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def note(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def add(self, other: Spread) -> None:
        """Take over what another one of the same bounds has seen."""
        self.counts = [a + b for a, b in zip(self.counts, other.counts, strict=True)]
        self.total += other.total

    def samples(self, labels: Labels) -> list[Sample]:
        found, below = [], 0
        for bound, count in zip((*self.bounds, None), self.counts, strict=True):
            below += count
            text = "+Inf" if bound is None else _number(bound)
            found.append(Sample("_bucket", (*labels, ("le", text)), below))
        return [*found, Sample("_sum", labels, self.total), Sample("_count", labels, below)]


class Metrics:
    """What is measured. A source is asked when somebody reads; `constant` labels stand at every line."""

    def __init__(self, constant: Mapping[str, str]) -> None:
        self._constant: Labels = tuple(constant.items())
        self._sources: list[Callable[[], Iterable[Family]]] = []

    def add(self, source: Callable[[], Iterable[Family]]) -> None:
        self._sources.append(source)

    def written(self, more: Iterable[Family] = (), *, is_open: bool = False) -> str:
        """Everything, for Prometheus; `is_open`: as OpenMetrics, which names counters without `_total` and has an end."""
        found = [*more, *(family for source in self._sources for family in source())]
        families = sorted(found, key=lambda one: one.name)
        lines: list[str] = []
        for family in families:
            name = family.name.removesuffix("_total") if is_open else family.name
            lines += [f"# HELP {name} {family.says}", f"# TYPE {name} {family.kind}"]
            lines += [self._line(family.name, sample) for sample in family.samples]
        if is_open:
            lines.append("# EOF")
        return "\n".join(lines) + "\n"

    def _line(self, name: str, sample: Sample) -> str:
        labels = ",".join(f'{key}="{value.translate(_ESCAPES)}"' for key, value in (*self._constant, *sample.labels))
        return f"{name}{sample.ending}{{{labels}}} {_number(sample.value)}"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


class Counts:
    """How often each kind of thing happened."""

    def __init__(self, name: str, says: str, label: str) -> None:
        self._name, self._says, self._label = name, says, label
        self._seen: dict[str, int] = {}

    def note(self, kind: str) -> None:
        self._seen[kind] = self._seen.get(kind, 0) + 1

    def families(self) -> list[Family]:
        samples = [Sample("", ((self._label, kind),), count) for kind, count in sorted(self._seen.items())]
        return [Family(self._name, "counter", self._says, samples)]


def gauge(name: str, says: str, value: float) -> Family:
    return Family(name, "gauge", says, [Sample("", (), value)])


def counter(name: str, says: str, value: float) -> Family:
    return Family(name, "counter", says, [Sample("", (), value)])
