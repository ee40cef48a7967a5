"""The configuration of the operator's API, which Kratos does not have."""

from typing import Annotated

from limen.core.configtypes import HttpUrl, Port, Section, says


class Console(Section, frozen=True):
    """The operator's API, and the dashboard on it."""

    enabled: Annotated[
        bool | None, says("Whether it is served. Left open, it is, unless its port is taken.", example="enabled: true")
    ] = None
    host: Annotated[str, says("Address to listen on; on others than this machine's own, put TLS in front.")] = (
        "127.0.0.1"
    )
    port: Annotated[Port, says("Port to listen on.")] = 8787
    base_url: Annotated[HttpUrl | None, says("How operators reach it; cookies and links need it.")] = None
    allowed_origins: Annotated[
        tuple[str, ...], says("Origins of front ends elsewhere that may call it with cookies.")
    ] = ()
    auth_required: Annotated[
        bool, says("Whether operators sign in. `false` lets everybody in who reaches the port: from this machine only.")
    ] = True
