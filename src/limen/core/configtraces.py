"""The configuration of traces: why a step of a flow was refused."""

from typing import Annotated

from msgspec import Meta

from limen.core.configtypes import Duration, Section, says


class Traces(Section, frozen=True):
    """Why steps of flows were refused, to be asked for by request id."""

    keep: Annotated[Duration, Meta(ge=0), says("How long they are kept; `0s`: none are.")] = 86400.0
    most: Annotated[int, Meta(ge=1, le=100_000), says("How many are kept at most.")] = 10_000
