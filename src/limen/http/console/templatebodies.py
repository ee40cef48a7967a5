"""What is sent to change a template, to try it, and to bring it back."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from limen.courier.saved import EVERY_LANGUAGE


class Parts(Struct, forbid_unknown_fields=True):
    """Go templates. What is left out, or null, is the default's."""

    subject: str | None = None
    body_html: str | None = None
    body_text: str | None = None
    body_sms: str | None = None


class TemplateParts(Parts):
    """`version`: the one that was edited; if there is another by now, nothing is saved (409)."""

    version: int | None = None


class SetTemplates(Struct, forbid_unknown_fields=True):
    """Templates by their id; null is the way back to the default. Those that are not named stay. `language`: "" for all."""

    templates: dict[str, TemplateParts | None]
    language: str = EVERY_LANGUAGE


class SetTemplate(TemplateParts):
    language: str = EVERY_LANGUAGE


class PreviewTemplate(Parts):
    """Parts to try; what is left out is shown as it is in force. `language`: of who reads it."""

    language: str = EVERY_LANGUAGE


class TryTemplate(PreviewTemplate):
    """`to`: an address, by default the operator's own. Text messages need one."""

    to: str = ""
    channel: Literal["email", "sms"] = "email"


class RestoreTemplate(Struct, forbid_unknown_fields=True):
    version: int
    language: str = EVERY_LANGUAGE
