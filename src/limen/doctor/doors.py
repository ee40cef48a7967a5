"""The server's doors: whether this user may open them on this machine. A port in use is none of it: the server may be running."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from limen.core.configserver import AdminServer
from limen.core.findings import Finding, trouble
from limen.doctor.patient import Patient
from limen.listen import UNIX, Listener, StartError, bind


async def check(patient: Patient) -> Iterable[Finding]:
    serve = patient.loaded.config.serve
    return [*_door(patient, "public", serve.public), *_door(patient, "admin", serve.admin)]


def _door(patient: Patient, name: str, own: AdminServer) -> Iterator[Finding]:
    if own.host.startswith(UNIX):
        yield from _folder(patient.at("serve", name, "host"), Path(own.host.removeprefix(UNIX)).absolute().parent)
        return
    try:
        bind(Listener(name, own.host, own.port)).close()
    except StartError as error:
        number = error.__cause__.errno if isinstance(error.__cause__, OSError) else 0
        if number == errno.EACCES:
            told = f"{patient.at('serve', name, 'port')} is {own.port}: this user may not open a port below 1024."
            yield trouble(told, "Take a higher one behind a proxy, or give the service CAP_NET_BIND_SERVICE.")
        elif number != errno.EADDRINUSE:
            told = f"{patient.at('serve', name, 'host')} is {own.host}, which is no address of this machine."
            yield trouble(told, "Leave it out for every address, or write 127.0.0.1 behind a proxy on this machine.")


def _folder(at: str, folder: Path) -> Iterator[Finding]:
    if not folder.is_dir():
        advice = "Make it; below /run a service gets it at each start by systemd's `RuntimeDirectory=`."
        yield trouble(f"{at}: there is no folder {folder} for the socket.", advice)
    elif not os.access(folder, os.W_OK):
        advice = f"`chown` {folder} to the user Limen runs as."
        yield trouble(f"{at}: {folder} is not writable for this user, so no socket can be made.", advice)
