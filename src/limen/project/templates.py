"""How sessions become tokens: `session.whoami.tokenizer.templates`, with keys and mappers read once per configuration."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from limen.core import signing, sources
from limen.core.config import Config, TokenTemplate
from limen.core.errors import ApiError
from limen.core.signing import KeyProblem, SigningKey
from limen.core.sources import SourceError


class Template(Struct, frozen=True):
    """A template that can be used, or (`problem`) why it cannot: that is told when somebody asks for such a token."""

    ttl: float
    by_external_id: bool = False
    key: SigningKey | None = None
    mapper: str = ""
    problem: ApiError | None = None


def compile_templates(config: Config) -> Mapping[str, Template]:
    """All templates by name. One that cannot be read does not stop the server, as in Kratos."""
    return {name: _compiled(template) for name, template in config.session.whoami.tokenizer.templates.items()}


def _compiled(template: TokenTemplate) -> Template:
    by_external_id = template.subject_source == "external_id"
    try:
        key = signing.first_key(sources.read(template.jwks_url))
        mapper = sources.read(template.claims_mapper_url).decode() if template.claims_mapper_url else ""
    except SourceError as error:
        return Template(template.ttl, problem=ApiError(500, f"The token template cannot be used: {error}."))
    except (KeyProblem, UnicodeDecodeError) as error:
        reason = f"The token template cannot be used: {error}."
        return Template(template.ttl, problem=ApiError(400, reason=reason))
    return Template(template.ttl, by_external_id, key, mapper)
