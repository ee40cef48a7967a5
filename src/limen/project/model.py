"""A project as requests use it: its configuration compiled, immutable, one object per version."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Mapping
from hashlib import sha256
from typing import Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from limen.core import errors, passwords, urls
from limen.core.ciphers import Cipher
from limen.core.config import Config
from limen.core.crypto import Keys
from limen.core.passwords import Hasher
from limen.core.schema import IdentitySchema
from limen.core.ui import Node
from limen.core.urls import Url
from limen.project.templates import Template, compile_templates

Kind = Literal["login", "registration", "settings", "recovery", "verification"]
MIN_BCRYPT_COST = 12  # what a lower `hashers.bcrypt.cost` is raised to outside development


class Identifiers(Struct, frozen=True):
    """Who a project is."""

    id: str
    slug: str
    name: str


class Project(Struct, frozen=True, kw_only=True):
    id: str
    slug: str
    name: str
    config: Config
    revision: str  # which configuration this is
    dev: bool
    public_url: str
    admin_url: str
    keys: Keys
    cookie_keys: Keys
    page_keys: Keys
    cipher: Cipher
    token_templates: Mapping[str, Template]
    hasher: Hasher
    schemas: Mapping[str, IdentitySchema]
    schema_urls: Mapping[str, str]
    allowed_return_urls: tuple[Url, ...]
    csrf_cookie: str
    enforces_api_flows: bool = True
    drawn: dict[tuple[str, ...], tuple[Node, ...]] = msgspec.field(default_factory=dict)  # see selfservice/engine.py

    def schema(self, id_: str = "") -> IdentitySchema:
        """The schema of this id, by default the default one.

        :raises ApiError: 400, there is none
        """
        wanted = id_ or self.config.identity.default_schema_id
        if found := self.schemas.get(wanted):
            return found
        for known in self.schemas.values():
            if known.encoded_id == wanted:  # as addresses of schemas have it
                return known
        raise errors.bad_request(f"There is no identity schema with the id {wanted!r}.")

    def selfservice_schema(self, id_: str) -> IdentitySchema:
        """A schema that a person may ask for.

        :raises ApiError: 400, there is none, or it is not meant for self-service
        """
        schema = self.schema(id_)
        if not schema.selectable and schema.id != self.config.identity.default_schema_id:
            raise errors.bad_request(f"The identity schema {id_!r} is not offered for self-service.")
        return schema

    def schema_url(self, schema: str) -> str:
        """Where the schema of this id, or the default one, is read; "" when there is none (any more)."""
        return self.schema_urls.get(schema or self.config.identity.default_schema_id, "")

    def ui_url(self, kind: Kind | Literal["error"]) -> str:
        """The page a browser is sent to for this kind of flow: the configured one, or our own."""
        configured: str | None = getattr(self.config.selfservice.flows, kind).ui_url
        return configured or urls.join(self.public_url, f"/ui/{kind}")

    def has_own_page(self, kind: Kind) -> bool:
        """Whether people see our pages for this kind of flow, and not those of the operator."""
        return getattr(self.config.selfservice.flows, kind).ui_url is None and self.config.limen.pages.enabled

    def flow_page(self, kind: Kind, flow_id: str) -> str:
        return urls.with_query(self.ui_url(kind), {"flow": flow_id})

    @property
    def default_return_url(self) -> str:
        return self.config.selfservice.default_browser_return_url

    @property
    def is_two_step(self) -> bool:
        """Whether a registration asks for the profile first and for credentials then."""
        registration = self.config.selfservice.flows.registration
        return registration.style == "profile_first" and not registration.enable_legacy_one_step

    def has_method(self, method: str) -> bool:
        methods = self.config.selfservice.methods
        if method == "link" and self.config.limen.methods.link.login_enabled:
            return True
        if method == "code":
            return methods.code.enabled or methods.code.passwordless_enabled
        if method == "identifier_first":
            return self.config.selfservice.flows.login.style == "identifier_first"
        found = getattr(methods, method, None)
        return bool(found and found.enabled)


def compile_project(
    who: Identifiers, config: Config, schemas: Mapping[str, IdentitySchema], *, dev: bool, fallback_secret: str = ""
) -> Project:
    """Turn a configuration into what requests use. `fallback_secret` signs when no secret is configured."""
    config = _in_use(config)
    own = config.secrets
    default = own.default or own.cookie or (fallback_secret or secrets.token_hex(32),)
    base_url = public_url(config, dev=dev)
    return Project(
        id=who.id,
        slug=who.slug,
        name=who.name,
        config=config,
        revision=config.revision or sha256(msgspec.json.encode(config, order="deterministic")).hexdigest(),
        dev=dev,
        public_url=base_url,
        admin_url=config.serve.admin.base_url
        or default_base_url(config.serve.admin.host, config.serve.admin.port, dev=dev),
        keys=Keys(default),
        cookie_keys=Keys(own.cookie or default),
        page_keys=Keys(own.pagination or default),
        token_templates=compile_templates(config),
        cipher=Cipher(config.ciphers.algorithm, own.cipher or ()),
        hasher=make_hasher(config, dev=dev),
        schemas=schemas,
        schema_urls={id_: urls.join(base_url, "/schemas/" + schema.encoded_id) for id_, schema in schemas.items()},
        allowed_return_urls=urls.allow_list((*config.selfservice.allowed_return_urls, *_front_ends(config)), base_url),
        csrf_cookie="csrf_token_" + sha256(base_url.encode()).hexdigest(),
    )


def _in_use(config: Config) -> Config:
    """The configuration with those of its providers that are in use."""
    wanted, service = config.limen.social.enabled_providers, config.selfservice
    if wanted is None:
        return config
    oidc = service.methods.oidc
    kept = replace(oidc.config, providers=tuple(one for one in oidc.config.providers if one.id in wanted))
    methods = replace(service.methods, oidc=replace(oidc, config=kept))
    return replace(config, selfservice=replace(service, methods=methods))


def public_url(config: Config, *, dev: bool) -> str:
    """Where browsers reach this server."""
    public = config.serve.public
    return public.base_url or default_base_url(public.host, public.port, dev=dev)


def console_url(config: Config) -> str:
    """Where operators reach their port."""
    own = config.limen.console
    if own.base_url:
        return own.base_url
    host = "localhost" if own.host in ("127.0.0.1", "::1", "0.0.0.0", "::", "") else own.host  # noqa: S104 - compared
    return f"http://{host}:{own.port}/"


def console_origins(config: Config) -> frozenset[str]:
    """The origins of front ends of the operator's API: its own, and those that are listed."""
    own = urlsplit(console_url(config))
    return frozenset({f"{own.scheme}://{own.netloc}", *(o.rstrip("/") for o in config.limen.console.allowed_origins)})


def _front_ends(config: Config) -> tuple[str, ...]:
    """Where people who signed in elsewhere for the operator's API come back to."""
    return tuple(sorted(console_origins(config))) if config.limen.console.enabled is not False else ()


def make_hasher(config: Config, *, dev: bool) -> Hasher:
    hashers = config.hashers
    if hashers.algorithm == "bcrypt":
        return passwords.Bcrypt(hashers.bcrypt.cost if dev else max(hashers.bcrypt.cost, MIN_BCRYPT_COST))
    argon2 = hashers.argon2
    return passwords.Argon2(
        memory_kib=argon2.memory // 1024,
        iterations=argon2.iterations,
        parallelism=argon2.parallelism or 2 * (os.cpu_count() or 1),
        salt_length=argon2.salt_length,
        key_length=argon2.key_length,
    )


def default_base_url(host: str, port: int, *, dev: bool) -> str:
    name = socket.gethostname() if host in ("", "0.0.0.0", "::") else host  # noqa: S104 - compared, not bound
    return f"{'http' if dev else 'https'}://{name}:{port}/"
