"""Providers that no table can describe, one function for each."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any
from urllib.parse import urlencode

from limen.social import oauth1
from limen.social.claims import Claims
from limen.social.kinds import Visit
from limen.social.profiles import as_told, fetch_list, fetch_object, look, number, objects, text


async def github(visit: Visit) -> Claims:
    """Addresses are told with the scope `user:email` only; the primary one counts."""
    raw = await fetch_object(visit, visit.kind.profile)
    if "user:email" not in text(visit.token.raw, "scope").split(","):
        return _github(visit, raw, [])
    emails = await fetch_list(visit, visit.kind.profile + "/emails")
    return _github(visit, raw, [e for e in emails if e.get("primary") is True])


async def github_app(visit: Visit) -> Claims:
    """Of an app that was not asked for scopes the addresses are always read; without a primary one the last counts."""
    raw = await fetch_object(visit, visit.kind.profile)
    emails = await fetch_list(visit, visit.kind.profile + "/emails")
    return _github(visit, raw, [e for e in emails if e.get("primary") is True] or emails[-1:])


def _github(visit: Visit, raw: dict[str, Any], emails: list[dict[str, Any]]) -> Claims:
    email = emails[0] if emails else {}
    return as_told(visit, raw, sub=number(raw, "id"), email=email.get("email"), email_verified=email.get("verified"))


async def facebook(visit: Visit) -> Claims:
    """The proof shows that whoever holds the token is the app it was made for (Graph API, "Securing requests")."""
    secret = (visit.config.client_secret or "").encode()
    proof = hmac.new(secret, visit.token.access.encode(), hashlib.sha256).hexdigest()
    fields = "id,name,first_name,last_name,middle_name,email,picture,birthday,gender"
    return as_told(visit, await fetch_object(visit, f"{visit.kind.profile}?fields={fields}&appsecret_proof={proof}"))


async def discord(visit: Visit) -> Claims:
    raw = await fetch_object(visit, visit.kind.profile)
    name = f"{text(raw, 'username')}#{text(raw, 'discriminator')}"
    return as_told(visit, raw, name=name, picture=_discord_picture(raw))


def _discord_picture(raw: dict[str, Any]) -> str:
    """Who has no picture gets one by their number or, since there are none any more, by their id."""
    id_, avatar, discriminator = text(raw, "id"), text(raw, "avatar"), text(raw, "discriminator")
    if avatar:
        return f"https://cdn.discordapp.com/avatars/{id_}/{avatar}.{'gif' if avatar.startswith('a_') else 'png'}"
    if discriminator.isdecimal() and discriminator != "0":
        return f"https://cdn.discordapp.com/embed/avatars/{int(discriminator) % 5}.png"
    return f"https://cdn.discordapp.com/embed/avatars/{(int(id_) >> 22) % 6}.png" if id_.isdecimal() else ""


async def vk(visit: Visit) -> Claims:
    """The address comes with the token. The token is sent in a body: an address with it would end up in logs."""
    sent = {"fields": "photo_200,nickname,bdate,sex", "access_token": visit.token.access, "v": "5.103"}
    answer = await fetch_object(visit, visit.kind.profile, form=urlencode(sent).encode())
    raw = next(iter(objects(answer.get("response"))), {})
    gender = {1: "female", 2: "male"}.get(raw.get("sex", 0), "")
    return as_told(visit, raw, sub=number(raw, "id"), email=text(visit.token.raw, "email"), gender=gender)


async def yandex(visit: Visit) -> Claims:
    raw = await fetch_object(visit, visit.kind.profile)
    avatar = "" if raw.get("is_avatar_empty") is True else text(raw, "default_avatar_id")
    picture = f"https://avatars.yandex.net/get-yapic/{avatar}/islands-200" if avatar else ""
    return as_told(visit, raw, picture=picture)


async def linkedin(visit: Visit) -> Claims:
    """The older of LinkedIn's two: a profile and an address, each with its own projection."""
    shown = "(id,localizedFirstName,localizedLastName,profilePicture(displayImage~digitalmediaAsset:playableStreams))"
    raw = await fetch_object(visit, f"{visit.kind.profile}me?projection={shown}")
    emails = await fetch_object(visit, f"{visit.kind.profile}emailAddress?q=members&projection=(elements*(handle~))")
    sizes = objects(look(raw, "profilePicture.displayImage~.elements"))
    picture = text(sizes[min(len(sizes), 3) - 1], "identifiers.0.identifier") if sizes else ""
    return as_told(visit, raw, email=text(emails, "elements.0.handle~.emailAddress"), picture=picture)


async def x(visit: Visit) -> Claims:
    url = visit.kind.profile + ("?include_email=true" if "email" in visit.config.scope else "")
    signed = oauth1.header(visit.config, "GET", url, visit.now, token=visit.token.access, secret=visit.token.secret)
    raw = await fetch_object(visit, url, headers={"Authorization": signed})
    return as_told(visit, raw, iss=url)


async def bitbucket(visit: Visit) -> Claims:
    raw = await fetch_object(visit, visit.kind.profile)
    answer = await fetch_object(visit, visit.kind.profile + "/emails") if "email" in visit.config.scope else {}
    email = next((e for e in objects(answer.get("values")) if e.get("is_primary") is True), {})
    return as_told(visit, raw, email=email.get("email"), email_verified=email.get("is_confirmed"))
