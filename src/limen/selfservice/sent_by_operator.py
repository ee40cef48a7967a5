"""Messages that an operator has sent to a person: to verify an address, or to get back into the account."""

from __future__ import annotations

from limen.audit import record
from limen.context import Context
from limen.core import errors, urls
from limen.courier import service as courier
from limen.flow import store
from limen.identity import service as identities
from limen.identity.model import Identity
from limen.selfservice import engine, recovery_by_admin
from limen.selfservice.effects import announcement

RECOVERY_SECONDS = 3600.0


async def verification(ctx: Context, identity: Identity) -> list[str]:
    """Ask for every address that is not verified yet; the addresses.

    :raises ApiError: 400, verification is switched off; 409, there is no such address
    """
    own = ctx.project.config.selfservice.flows.verification
    if not own.enabled:
        raise errors.bad_request("Verification is switched off: set selfservice.flows.verification.enabled.")
    waiting = [address for address in identity.verifiable_addresses if not address.verified and address.value]
    if not waiting:
        raise errors.conflict("Every address of this person is verified.")
    announce, after = announcement(ctx), identity
    commit = ctx.db.begin()
    for address in waiting:
        url = urls.join(ctx.project.public_url, "/self-service/verification/browser")
        flow = engine.new(
            ctx, "verification", "browser", "only", request_url=url, active=own.use, csrf="", identity_id=identity.id,
            private={"unguarded": True},
        )  # fmt: skip
        announce.draw(flow, address.via, address.value)
        flow.state = "sent_email"
        store.insert(commit, flow)
        announce.issue(commit, ctx, flow, {}, identity, address.via, address.value)
        after = identities.mark_address(ctx, after, address.via, address.value, status="sent")
    if after is not identity:
        identities.save(commit, identity, after)
    sent = [address.value for address in waiting]
    record.record(commit, ctx, "auth.verification.sent", identity, to=sent)
    await ctx.db.commit(commit)
    return sent


async def recovery(ctx: Context, identity: Identity) -> str:
    """Mail a link that lets the person in once, within an hour; the address it went to.

    :raises ApiError: 400, links that recover are switched off; 409, the person has no address to send one to
    """
    to = next((address.value for address in identity.recovery_addresses if address.via == "email"), "")
    if not to:
        raise errors.conflict("This person has no e-mail address to recover the account by.")
    if not ctx.project.config.selfservice.methods.link.enabled:
        raise errors.bad_request("Links are switched off: set selfservice.methods.link.enabled.")
    wanted = recovery_by_admin.Wanted(identity_id=identity.id, expires_in=f"{RECOVERY_SECONDS:.0f}s")
    made = await recovery_by_admin.link(ctx, wanted)
    commit = ctx.db.begin()
    courier.queue_link(commit, ctx, "", {}, "recovery", to, made["recovery_link"], RECOVERY_SECONDS, identity)
    record.record(commit, ctx, "auth.recovery.sent", identity)
    await ctx.db.commit(commit)
    return to
