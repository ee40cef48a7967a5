"""Runs the examples of one document, from top to bottom, in one folder, against a server of their own.

What the words after a block's language mean is told in CONTRIBUTING.md.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from limen.core import configload, configreport, schemaload
from limen.core.configload import ConfigMistakes
from tests.browser.conftest import chromium
from tests.docs.markdown import Block, Document
from tests.support import javascript
from tests.support.process import Node, environment, free_port, until
from tests.support.server import PATIENCE, PERSON, base_config, merge

PUBLIC, ADMIN, CONSOLE, MAIL, HOOKS = "4433", "4434", "8787", "1025", "4436"
POSTGRES = "postgres://limen:secret@127.0.0.1:5432/limen"  # what documents call a database
NOT_RUN = ("text", "http", "html", "nginx")
_NO_NETWORK = {"SELFSERVICE_METHODS_PASSWORD_CONFIG_HAVEIBEENPWNED_ENABLED": "false"}


class Failed(AssertionError):
    """An example does not do what its document says."""


class Runner:
    """One document's examples. `folder` is where they run; what they write stays there."""

    def __init__(self, document: Document, folder: Path, postgres: str = "") -> None:
        self.document, self.folder = document, folder
        self.names = {name: str(free_port()) for name in (PUBLIC, ADMIN, CONSOLE, MAIL, HOOKS)}
        if postgres:
            self.names[POSTGRES] = postgres
        self.node: Node | None = None
        self.said = ""  # by the block before
        tools = folder / ".tools"
        tools.mkdir()
        _command(tools / "limen", [sys.executable, "-m", "limen.cli"])
        _command(tools / "python3", [sys.executable])
        (folder / "node_modules").symlink_to(javascript.PACKAGES)
        self.env = environment(_NO_NETWORK) | {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1"}

    def run(self) -> None:
        for block in self.document.blocks:
            try:
                self._run(block)
            except AssertionError as error:
                raise Failed(f"{self.document.name}:{block.line}: {error}") from None

    def close(self) -> None:
        if self.node:
            self.node.close()

    def _run(self, block: Block) -> None:
        text = self._here(block.text)
        match block.language, block.words:
            case "bash", ("serve",):
                self._serve(shlex.split(text, comments=True))
            case "bash", ():
                self._bash(text)
            case "bash", ("fails",):
                self._bash(text, fails=True)
            case "python", ():
                self._ready()
                self._program([sys.executable, "-c", text])
            case "js", ():
                self._ready()
                (self.folder / "example.mjs").write_text(text)
                done = javascript.run("example.mjs", env=self.env, folder=self.folder)
                self._ended(done.returncode, done.stdout + done.stderr)
            case "js", ("page",):
                self._ready()
                self._page(text)
            case "yaml" | "json" | "jsonnet", (name,) if "." in name:
                (self.folder / name).write_text(text)
                self._check_file(name)
            case "yaml", (name, "mistakes"):
                (self.folder / name).write_text(text)
            case "yaml", ():
                self._check_part(text)
            case "json", ():
                json.loads(text)
            case "yaml" | "json", ("elsewhere",):
                pass
            case "text", ("output",):
                self._compare(block.text)
            case language, () if language in NOT_RUN:
                pass
            case _:
                info = " ".join((block.language, *block.words))
                raise AssertionError(f"CONTRIBUTING.md does not say what to do with a block of `{info}`")

    # --- words of the documents, and ours -------------------------------------------------------------------------------

    def _here(self, text: str) -> str:
        """Documents name fixed ports and a fixed database; here they are other ones."""
        for name, own in self.names.items():
            text = re.sub(rf"(?<!\d){re.escape(name)}(?!\d)", lambda _, own=own: own, text)
        return text.replace("python3 bootstrap.py serve", "limen serve")

    def _there(self, text: str) -> str:
        for name, own in self.names.items():
            text = text.replace(own, name)
        return text

    # --- the server -----------------------------------------------------------------------------------------------------

    def _serve(self, command: list[str]) -> None:
        """Start the server in the background. One that runs is stopped first."""
        self.close()
        env = dict(word.split("=", 1) for word in itertools.takewhile(lambda word: "=" in word, command))
        command = command[len(env) :]
        assert command[:2] == ["limen", "serve"], "such a block starts `limen serve`"
        ports = {
            "SERVE_PUBLIC_PORT": self.names[PUBLIC],
            "SERVE_ADMIN_PORT": self.names[ADMIN],
            "LIMEN_CONSOLE_ENABLED": "true",
            "LIMEN_CONSOLE_PORT": self.names[CONSOLE],
        }
        name = "127.0.0.1" if "-c" in command else "localhost"  # as in the files of the documents, and without one
        addresses = {
            "SERVE_PUBLIC_BASE_URL": f"http://{name}:{self.names[PUBLIC]}/",
            "SERVE_ADMIN_BASE_URL": f"http://127.0.0.1:{self.names[ADMIN]}/",
        }
        self.node = Node(self.folder, *command[2:], env=_NO_NETWORK | ports | addresses | env).start()
        until(lambda: self.node and "is ready." in self.node.log)
        self.said = self.node.log

    def _ready(self) -> None:
        if self.node is None:
            said = self.said
            self._serve(["limen", "serve"])
            self.said = said

    # --- programs -------------------------------------------------------------------------------------------------------

    def _bash(self, text: str, *, fails: bool = False) -> None:
        """Run lines of a shell. Variables live on until the end of the document."""
        if not fails:
            self._ready()
        kept = self.folder / ".variables"
        kept.touch()
        script = f"set -euo pipefail; set -o allexport; source {kept}\n{text}\nexport -p > {kept}\n"
        self._program(["bash", "-c", script], fails=fails)

    def _program(self, command: list[str], *, fails: bool = False) -> None:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        self._ended(done.returncode, done.stdout, fails=fails)

    def _ended(self, code: int, said: str, *, fails: bool = False) -> None:
        self.said = said
        assert bool(code) == fails, f"it ended with {code} and said:\n{said}"

    def _page(self, text: str) -> None:
        """Run a script as part of a page of the server's own origin; what it logs is its output."""
        said: list[str] = []
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
            page = browser.new_page()
            page.set_default_timeout(PATIENCE * 1000)
            page.on("console", lambda message: said.append(message.text))
            page.goto(f"http://localhost:{self.names[PUBLIC]}/ui/login")
            page.evaluate(f"async () => {{\n{text}\n}}")
            browser.close()
        self.said = "\n".join(said) + "\n"

    # --- configuration --------------------------------------------------------------------------------------------------

    def _check_file(self, name: str) -> None:
        """A whole configuration, or a schema that a following one names."""
        if name.endswith((".yml", ".yaml")):
            here = Path.cwd()
            os.chdir(self.folder)  # relative addresses of schemas are relative to where the server is started
            try:
                loaded = configload.load([Path(name)], env={}, flags={})
                schemaload.load(loaded.config, loaded.places, loaded.lines)
            except ConfigMistakes as mistakes:
                raise AssertionError(configreport.plain(mistakes.problems)) from None
            finally:
                os.chdir(here)

    def _check_part(self, text: str) -> None:
        """Some lines of a configuration: laid on a whole one they have to fit."""
        (self.folder / "part.yml").write_text(text)
        (self.folder / "person.schema.json").write_text(str(PERSON).replace("'", '"').replace("True", "true"))
        base = base_config("memory", 4433, 4434, (self.folder / "person.schema.json").as_uri())
        try:
            configload.load([self.folder / "part.yml"], env={}, flags={}, base=merge(base, {}))
        except ConfigMistakes as mistakes:
            raise AssertionError(configreport.plain(mistakes.problems)) from None

    # --- output -----------------------------------------------------------------------------------------------------------

    def _compare(self, expected: str) -> None:
        """`…` stands for anything within a line; a line of nothing else for any number of lines."""
        pattern = "".join(
            r"(?:.*\n)*?" if line.strip() == "…" else r".*?".join(map(re.escape, line.split("…"))) + r" *\n"
            for line in expected.rstrip("\n").split("\n")
        )
        said = re.sub(r"\x1b\[[0-9;]*m", "", self._there(self.said))
        said = said.rstrip("\n") + "\n"
        assert re.fullmatch(pattern, said), f"it said:\n{said}\nnot:\n{expected}"


def _command(path: Path, words: list[str]) -> None:
    path.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
    path.chmod(0o755)
