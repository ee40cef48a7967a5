"""Authenticators as Chromium simulates them (Chrome DevTools Protocol, domain WebAuthn): no hardware, real ceremonies."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

# What kinds there are in the world: two keys to plug in, with and without a PIN, an old one, and a phone or laptop.
WITH_PIN = {"protocol": "ctap2", "transport": "usb", "hasUserVerification": True, "isUserVerified": True}
WITHOUT_PIN = {"protocol": "ctap2", "transport": "usb", "hasUserVerification": False}
OLD = {"protocol": "u2f", "transport": "usb"}
BUILT_IN = {
    "protocol": "ctap2", "ctap2Version": "ctap2_1", "transport": "internal", "hasResidentKey": True,
    "hasUserVerification": True, "isUserVerified": True,
}  # fmt: skip
KEYS = {"with a PIN": WITH_PIN, "without a PIN": WITHOUT_PIN, "U2F": OLD}


class Device:
    """One authenticator of a window, which is touched as soon as it blinks."""

    def __init__(self, page: Page, kind: dict[str, Any]) -> None:
        self._chrome = page.context.new_cdp_session(page)
        self._chrome.send("WebAuthn.enable")
        options = {"automaticPresenceSimulation": True, **kind}
        self.id = self._chrome.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]

    def credentials(self) -> list[dict[str, Any]]:
        return list(self._send("getCredentials")["credentials"])

    def turn_back(self, by: int) -> None:
        """Let the counter of its one key fall back, as that of a copy that was made before."""
        [credential] = self.credentials()
        self._send("removeCredential", credentialId=credential["credentialId"])
        self._send("addCredential", credential={**credential, "signCount": max(0, credential["signCount"] - by)})

    def touch(self, willing: bool) -> None:
        """Whether its owner touches it from now on."""
        self._send("setAutomaticPresenceSimulation", enabled=willing)

    def verify(self, known: bool) -> None:
        """Whether it recognises its owner from now on."""
        self._send("setUserVerified", isUserVerified=known)

    def unplug(self) -> None:
        self._send("removeVirtualAuthenticator")

    def _send(self, method: str, **more: Any) -> dict[str, Any]:
        return dict(self._chrome.send(f"WebAuthn.{method}", {"authenticatorId": self.id, **more}))
