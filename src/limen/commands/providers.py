"""Social sign-in from the command line: which providers are known, what each needs, and the address to register there."""

from __future__ import annotations

import os
import sys
from typing import Any

import click
import yaml

from limen.commands.output import columns, options, pairs, show
from limen.core import configload, configreport
from limen.core.config import Config
from limen.core.configload import ConfigMistakes
from limen.core.configmethods import OidcProvider
from limen.project.model import public_url
from limen.reload import paths_of
from limen.settings import DATA_FOLDER, stand_in
from limen.social.catalogue import kinds
from limen.social.kinds import Kind
from limen.social.provider import callback_url

HEAD = ("PROVIDER", "NAME", "IN USE AS", "NEEDS", "CALLBACK URL")
_FOOT = (
    "Each needs id, provider, client_id, client_secret and mapper_url (Apple makes its secret itself), and what stands\n"
    "under NEEDS. Details and an entry to start from: limen providers get PROVIDER."
)
_CONFIG = click.option("-c", "--config", multiple=True, metavar="FILE", help="A configuration file; may be repeated.")
Known = dict[str, Any]


@click.command("list")
@_CONFIG
@options
def list_(config: tuple[str, ...], form: str, quiet: bool) -> None:
    """List every provider, what it needs, and the callback URL; those in the configuration first."""
    known = _known(_load(config))
    show(
        {"providers": known},
        form,
        quiet=quiet,
        table=lambda: columns(HEAD, [*map(_row, known)]) + "\n\n" + _FOOT,
        ids=lambda: [one["provider"] for one in known],
    )


@click.command()
@click.argument("provider")
@_CONFIG
@options
def get(provider: str, config: tuple[str, ...], form: str, quiet: bool) -> None:
    """Say all about one provider, with an entry for the configuration to start from."""
    found = [one for one in _known(_load(config)) if provider in (one["provider"], one["id"])]
    if not found:
        raise click.ClickException(f"There is no provider {provider}. `limen providers list` lists them all.")
    show(
        found[0] if len(found) == 1 else found,
        form,
        quiet=quiet,
        table=lambda: "\n\n".join(map(_sheet, found)),
        ids=lambda: [one["provider"] for one in found],
    )


def _load(files: tuple[str, ...]) -> Config:
    """The merged configuration; every mistake in it is printed and ends the program with 1."""
    paths = paths_of(files)
    base = {} if paths else stand_in(DATA_FOLDER, with_secrets=False)
    try:
        return configload.load(paths, env=os.environ, flags={}, base=base).config
    except ConfigMistakes as mistakes:
        click.echo(configreport.render(mistakes.problems, colour=sys.stderr.isatty()), err=True)
        sys.exit(1)


def _known(config: Config) -> list[Known]:
    """The configured ones in their order, then those that are not, by name."""
    used = config.selfservice.methods.oidc.config.providers
    others = sorted(id_ for id_ in kinds() if id_ not in {one.provider for one in used} and id_ != "fedcm-test")
    return [_described(config, one, is_used=True) for one in used] + [
        _described(config, OidcProvider(id=id_, provider=id_, client_id="", mapper_url=""), is_used=False)  # type: ignore[arg-type]
        for id_ in others
    ]


def _described(config: Config, one: OidcProvider, *, is_used: bool) -> Known:
    kind = kinds()[one.provider]
    base = config.selfservice.methods.oidc.config.base_redirect_uri or public_url(config, dev=config.dev)
    return {
        "provider": kind.id,
        "name": kind.brand,
        "id": one.id if is_used else None,
        "label": one.label,
        "protocol": kind.protocol,
        "needs": [*_own(kind), *kind.needs],
        "scope": list(one.scope or kind.scope),
        "callback_url": callback_url(base, one, kind),
        "console": kind.console,
        "notes": kind.notes,
    }


def _own(kind: Kind) -> list[str]:
    return ["id", "provider", "client_id", *([] if kind.signs_secret else ["client_secret"]), "mapper_url"]


def _row(one: Known) -> tuple[str, ...]:
    more = ", ".join(kinds()[one["provider"]].needs)
    return one["provider"], one["name"], one["id"] or "-", more or "-", one["callback_url"]


def _sheet(one: Known) -> str:
    facts = [
        ("Provider", f"{one['name']}, by {one['protocol']}"),
        *([("In use as", one["id"])] if one["id"] else []),
        ("Register at", one["console"]),
        ("Callback URL", one["callback_url"]),
        ("Needs", ", ".join(one["needs"])),
        ("Scopes", " ".join(one["scope"]) or "-"),
        *([("Notes", one["notes"])] if one["notes"] else []),
    ]
    if one["id"]:
        return pairs(facts)
    entry = {
        "id": one["provider"],
        "provider": one["provider"],
        **{name: "…" for name in one["needs"] if name not in ("id", "provider", "mapper_url")},
        "mapper_url": f"file://{one['provider']}.jsonnet",
        **({"scope": one["scope"]} if one["scope"] else {}),
    }
    text = yaml.safe_dump([entry], allow_unicode=True, sort_keys=False, default_flow_style=None, width=1000)
    return f"{pairs(facts)}\n\nAn entry of selfservice.methods.oidc.config.providers to start from:\n\n{text.rstrip()}"


COMMANDS = (list_, get)
