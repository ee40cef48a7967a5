"""What hooks add up to while they run, to be written in one commit and told in one answer."""

from __future__ import annotations

from typing import Any

from limen.context import Context
from limen.core import csrf, messages, urls
from limen.core.errors import form_error
from limen.flow import store
from limen.flow.method import Announcement, Then
from limen.flow.model import Flow
from limen.identity import service as identities
from limen.identity.model import Identity, VerifiableAddress
from limen.methods import BY_ID
from limen.selfservice import continue_with, engine


class Effects:
    """What hooks add up to while they run: statements for the commit, items of `continue_with`, where a page goes."""

    def __init__(self, ctx: Context, flow: Flow, identity: Identity, payload: dict[str, Any]) -> None:
        self.ctx = ctx
        self.flow = flow
        self.identity = identity
        self.shown: Identity | None = None  # as a web hook wants a person shown who is not stored so
        self.payload = payload
        self.continue_with: list[continue_with.Item] = []
        self.thens: list[Then] = []
        self.page = ""
        self.csrf = ""
        self.verification: continue_with.Item | None = None
        self.verifications: list[Flow] = []  # started here, not stored yet

    @property
    def seen(self) -> Identity:
        """The person as hooks and the answer show them."""
        return self.shown or self.identity

    @property
    def shows_verification(self) -> bool:
        return any(item["action"] == continue_with.VERIFY for item in self.continue_with)

    def lead_to(self, url: str) -> None:
        """Send a script's browser there, instead of where it would have gone."""
        kept = [item for item in self.continue_with if item["action"] != continue_with.REDIRECT]
        with_redirect = self.flow.is_browser and self.ctx.client.is_json
        self.continue_with = [*kept, continue_with.redirect(url)] if with_redirect else kept

    def verify_addresses(self) -> None:
        """Start a verification for the first address nobody proved yet (with the legacy flag: for each).

        In the settings only for one that no message went to before: a changed name sends no mail.

        :raises FormError: the configured way of verifying is switched off
        """
        announcement(self.ctx)
        for address in self.identity.verifiable_addresses:
            waits = address.status == "pending" if self.flow.kind == "settings" else not address.verified
            if not waits or not address.value:
                continue
            self.verify(address, renews_csrf=self.flow.is_browser and self.flow.kind != "settings")
            if not self.ctx.project.config.feature_flags.legacy_continue_with_verification_ui:
                break
            if self.verification:
                self.continue_with.append(self.verification)

    def verify(self, address: VerifiableAddress, *, renews_csrf: bool) -> None:
        """Start a verification of this address, with its message sent."""
        ctx = self.ctx
        if renews_csrf:
            self.csrf = self.csrf or csrf.new_secret()
        flow = verification_flow(ctx, self.flow, self.csrf or ctx.client.csrf)
        announce = announcement(ctx)
        announce.draw(flow, address.via, address.value)
        flow.state = "sent_email"
        self.verifications.append(flow)
        identity = self.identity  # as the message tells of it: nothing is sent yet
        self.identity = identities.mark_address(ctx, self.identity, address.via, address.value, status="sent")

        def then(commit: Any) -> None:
            store.insert(commit, flow)
            announce.issue(commit, ctx, flow, self.payload, identity, address.via, address.value)

        self.thens.append(then)
        url = ctx.project.flow_page("verification", flow.id) if flow.is_browser else ""
        self.verification = continue_with.verification(flow.id, address.value, url)

    def show_verification(self) -> None:
        if self.verification is None:
            return
        if self.flow.is_browser and not self.ctx.client.is_json:
            self.page = self.verification["flow"]["url"]
        elif self.verification not in self.continue_with:
            self.continue_with.append(self.verification)


def announcement(ctx: Context) -> Announcement:
    """How a verification begins with its message sent.

    :raises FormError: the configured way is switched off, which only the operator can mend
    """
    use = ctx.project.config.selfservice.flows.verification.use
    part = BY_ID[use].verification if ctx.project.has_method(use) else None
    if part is None or part.announce is None:
        raise form_error(messages.GENERIC(reason=f"Addresses are verified by {use} here, which is switched off."))
    return part.announce


def verification_flow(ctx: Context, parent: Flow, csrf_secret: str) -> Flow:
    """A verification that goes on where another flow ended, and leads where that one wanted to go."""
    wanted = urls.query_value(parent.request_url, "after_verification_return_to")
    url = urls.without_query(parent.request_url, "after_verification_return_to")
    url = urls.with_query(url, {"return_to": wanted}) if wanted else urls.with_query(url, {})
    return engine.new(
        ctx, "verification", parent.type, "only", request_url=url, active=ctx.project.config.selfservice.flows.verification.use,
        oauth2_login_challenge=parent.oauth2_login_challenge if parent.is_browser else "",
        oauth2_login_request=parent.oauth2_login_request,
        csrf=csrf.digest(csrf_secret) if csrf_secret else "",
    )  # fmt: skip
