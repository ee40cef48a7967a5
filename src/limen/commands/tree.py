"""The commands that are not in `cli.py`, each in its place. They are loaded when one of them is called for."""

from __future__ import annotations

import click

from limen.commands import (
    access,
    audits,
    backups,
    configs,
    doctors,
    hashing,
    jsonnets,
    moves,
    people,
    providers,
    remote,
    traces,
    users,
    validate,
)
from limen.commands.loading import CONFIG

SECTIONS = {
    "Run it": ("serve", "courier", "migrate", "cleanup", "backup"),
    "See how it is": ("doctor", "config", "why", "audit", "providers", "remote", "version"),
    "People": ("identities", "users", "import", "list", "ls", "get", "validate", "patch", "delete"),
    "Who looks after it": ("operator", "keys"),
    "Tools": ("hashers", "jsonnet", "lint", "format", "completion", "help"),
}


def grow(main: click.Group, import_: click.Group, run_file: moves.Run) -> None:
    """Add them to the program, and to its group `import` what moves people in; `run_file` does the work of those."""
    for moving in (*moves.commands(CONFIG, run_file), people.import_):
        import_.add_command(moving)
    for command in (doctors.doctor, traces.why, backups.backup, *_groups()):
        main.add_command(command)


def tell(main: click.Group, formatter: click.HelpFormatter) -> None:
    """Write what the program's commands are for, by what one wants to do."""
    for title, names in SECTIONS.items():
        with formatter.section(title):
            formatter.write_dl([(name, _about(main.commands[name])) for name in names])


def _about(command: click.Command) -> str:
    return " ".join((command.help or "").partition("\n\n")[0].split())


def _groups() -> list[click.Group]:
    by_subject: dict[str, click.Command] = {
        "list": people.list_, "get": people.get, "import": people.import_, "validate": validate.validate,
        "patch": people.patch, "delete": people.delete,
    }  # fmt: skip
    lint: dict[str, click.Command] = {"lint": jsonnets.lint, "jsonnet": jsonnets.lint}
    jsonnet: dict[str, click.Command] = {"lint": jsonnets.lint, "format": jsonnets.format_}
    return [
        _group("operator", "Who looks after the server: add, list, remove.", *access.OPERATOR),
        _group("keys", "API keys of programs: create, list, revoke.", *access.KEYS),
        _group("audit", "The audit log: verify.", audits.verify),
        _group("users", "Many people at once: import, export.", *users.COMMANDS),
        _group("list", "List what there is.", people.list_),
        _group("ls", "The same as `list`.", people.list_),
        _group("get", "Show one thing or several.", people.get),
        _group("delete", "Delete for good.", people.delete),
        _group("patch", "Change a part of something.", people.patch),
        _group("validate", "Check before importing.", validate.validate),
        _group("remote", "Ask a running server how it is.", remote.status, remote.version),
        _group("config", "Check configurations, and explain their keys.", configs.check, configs.explain),
        _group("providers", "Providers people may sign in with: list, get.", *providers.COMMANDS),
        _group("hashers", "Try password hashing here.", _group("argon2", "Argon2.", *hashing.COMMANDS)),
        # The same by their subject, which reads better; Kratos had it so once.
        click.Group("identities", help="People: list, get, import, validate, patch, delete.", commands=by_subject),
        click.Group("lint", help="Check Jsonnet files.", commands=lint),
        click.Group("format", help="Write Jsonnet files evenly.", commands={"jsonnet": jsonnets.format_}),
        click.Group("jsonnet", help="Look after Jsonnet files.", commands=jsonnet),
    ]


def _group(name: str, about: str, *commands: click.Command) -> click.Group:
    return click.Group(name, help=about, commands=list(commands))
