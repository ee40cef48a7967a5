"""What people are told in a sentence that has no message id of its own: declared once, and known again when it is shown.

On the wire such a sentence stands in the generic message (4000001) or is the `reason` of an error, in English. Our own
pages say it in the visitor's language, under its key in `locales/`, and know which page an error belongs on.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Final, NamedTuple

CATALOG: Final[dict[str, Reason]] = {}


class Reason:
    """Called with the values its text names, it becomes the sentence. `page`: the state page of an error that says it."""

    def __init__(self, key: str, text: str, page: str = "") -> None:
        self.key, self.text, self.page = key, text, page
        CATALOG[key] = self

    def __call__(self, **values: str) -> str:
        return self.text.format(**values)

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        parts = re.split(r"\{(\w+)\}", self.text)
        return re.compile("".join(f"(?P<{p}>.+?)" if n % 2 else re.escape(p) for n, p in enumerate(parts)), re.DOTALL)


class Known(NamedTuple):
    """A sentence that was known again, and the values in it."""

    reason: Reason
    values: dict[str, str]


def recognise(sentence: str) -> Known | None:
    """Which reason this is; None for one that is not ours."""
    for reason in CATALOG.values():
        if found := reason.pattern.fullmatch(sentence):
            return Known(reason, found.groupdict())
    return None


# --- signing in with providers ------------------------------------------------------------------------------------------

PROVIDER_DENIED = Reason(
    "provider_denied",
    "{name} says that you did not agree to sign in here. Try again and agree, or sign in another way.",
)
PROVIDER_REFUSED = Reason(
    "provider_refused", "{name} could not sign you in ({said}). Try again, or sign in another way."
)
PROVIDER_SILENT = Reason("provider_silent", "{name} sent you back without an answer. Try again.")
PROVIDER_SCOPE = Reason(
    "provider_scope", "{name} was not allowed to tell all that is needed here. Try again and agree to it."
)
PROVIDER_NAMELESS = Reason("provider_nameless", "{name} did not say who you are. Try again and agree to it.")
PROVIDER_UNTRUSTED = Reason(
    "provider_untrusted", "What {name} says about you cannot be trusted. Try again, or sign in another way."
)
PROVIDER_UNWELL = Reason(
    "provider_unwell",
    "{name} does not answer as it should. Try again in a moment, or sign in another way.",
    page="provider_unwell",
)
PROVIDER_UNCONFIGURED = Reason(
    "provider_unconfigured",
    "Signing in with {name} is not set up as it should be. The operator of this site finds the reason in the log.",
    page="provider_unusable",
)
PROVIDER_UNMAPPED = Reason(
    "provider_unmapped",
    "What {name} told about you could not be used here. The operator of this site finds the reason in the log.",
    page="provider_unusable",
)
PROVIDER_CLOSED = Reason(
    "provider_closed", "No account here is linked to your account at {name}, and new ones are not offered."
)

# --- the way back from them ---------------------------------------------------------------------------------------------

BACK_STATELESS = Reason(
    "back_stateless",
    "The provider sent you back without the parameter `state`. Start again.",
    page="provider_lost",
)
BACK_FORGED = Reason(
    "back_forged",
    "The parameter `state` was not made here, or the address was cut. Start again.",
    page="provider_lost",
)
BACK_FROM_ANOTHER = Reason(
    "back_from_another",
    "This is the way back from another provider than the one that was asked. Start again.",
    page="provider_lost",
)
BACK_TO_ANOTHER = Reason(
    "back_to_another", "This is the way back to something else. Start again.", page="provider_lost"
)
BACK_AGAIN = Reason("back_again", "This way back was taken already. Start again.", page="provider_lost")
BACK_LATE = Reason("back_late", "It took too long to come back from the provider. Start again.", page="provider_lost")
BACK_NEWER = Reason(
    "back_newer",
    "A newer sign-in with a provider was started here. Finish that one, or start again.",
    page="provider_lost",
)
BACK_COOKIELESS = Reason(
    "back_cookieless",
    "This browser sent no cookies, so it cannot be told that it is the one that started. "
    "Start again in one browser from beginning to end, and let it keep cookies for this site.",
    page="provider_lost",
)
BACK_ELSEWHERE = Reason(
    "back_elsewhere",
    "This was started in another browser, or it was too long ago. Start again, in one browser from beginning to end.",
    page="provider_lost",
)

# --- linking them -------------------------------------------------------------------------------------------------------

LINK_BOTH = Reason("link_both", "One request either links or unlinks.")
LINK_UNKNOWN = Reason("link_unknown", "This provider is not known here, or it is linked already.")
LINK_LAST = Reason("link_last", "This is the last way to sign in to this account. Add another one first.")
LINK_NONE = Reason("link_none", "This provider is not linked.")
