"""The configuration of second factors that Kratos does not know: who needs one, and browsers that are spared it."""

from typing import Annotated

from msgspec import Meta

from limen.core.configtypes import UNIQUE, Duration, Section, says


class TrustedDevices(Section, frozen=True):
    """Browsers in which somebody passed the second step, and is not asked for it again for a while; never a second factor."""

    enabled: Annotated[bool, says("The second step offers to trust the browser.")] = False
    lifespan: Annotated[Duration, Meta(gt=0), says("How long a browser is trusted.")] = 30 * 86400.0


class SecondFactor(Section, frozen=True):
    """Second factors."""

    required: Annotated[
        bool, says("Everybody needs one: who has none sets one up right after signing in, before anything else.")
    ] = False
    schemas: Annotated[
        tuple[str, ...], says("Ask only people of these identity schemas for one; by default everybody."), UNIQUE
    ] = ()
    after: Annotated[Duration, says("How long a new account may do without one; `168h` is a week.")] = 0.0
    trusted_devices: TrustedDevices = TrustedDevices()
