"""Answers of authenticators, judged: every attestation format, and bytes that no authenticator ever made."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import cbor2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID, ObjectIdentifier
from hypothesis import given
from hypothesis import strategies as st
from tests.support.authenticator import AT, EDDSA, ES256, ES384, ES512, PS256, RS256, UP, UV, Authenticator, b64u

from limen.core import cose, webauthn
from limen.core.webauthn import Malformed, Refused, RelyingParty
from limen.core.webauthnoptions import Wishes, creation, new_challenge

RP = RelyingParty(id="localhost", name="Example", origins=("http://localhost:4455",))
CHALLENGE = new_challenge()
MODEL = bytes(range(16))


def certificate(key: Any, subject: x509.Name, *extensions: tuple[x509.ExtensionType, bool]) -> bytes:
    """A certificate that vouches for itself: who made an authenticator is not asked."""
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(
        issuer_name=subject,
        subject_name=subject,
        public_key=key.public_key(),
        serial_number=1,
        not_valid_before=now - timedelta(days=1),
        not_valid_after=now + timedelta(days=1),
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def maker() -> tuple[ec.EllipticCurvePrivateKey, bytes]:
    """A manufacturer's key and its certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    organisation = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example Keys")])
    return key, certificate(key, organisation, (x509.BasicConstraints(ca=False, path_length=None), True))


class Made:
    """A key that was made, with everything an attestation is about."""

    def __init__(self, algorithm: int = ES256, aaguid: bytes = MODEL) -> None:
        self.device = Authenticator(algorithm)
        self.client = self.device.client_data("webauthn.create", CHALLENGE)
        self.auth = self.device.attested(UP | UV, aaguid)
        self.signed = self.auth + hashlib.sha256(self.client).digest()

    def answer(self, fmt: str, **statement: Any) -> str:
        whole = cbor2.dumps({"fmt": fmt, "attStmt": statement, "authData": self.auth})
        return self.device.answer(self.client, attestationObject=b64u(whole))


def none() -> str:
    return Made().answer("none")


def packed_by_itself() -> str:
    made = Made()
    return made.answer("packed", alg=ES256, sig=made.device.sign(made.signed))


def packed_by_the_maker() -> str:
    made, (key, certified) = Made(), maker()
    return made.answer("packed", alg=ES256, sig=key.sign(made.signed, ec.ECDSA(hashes.SHA256())), x5c=[certified])


def fido_u2f(swap: bytes = b"") -> str:
    made, (key, certified) = Made(aaguid=bytes(16)), maker()
    point = made.device.key.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    said = b"\0" + made.auth[:32] + hashlib.sha256(made.client).digest() + (swap or made.device.id) + point
    return made.answer("fido-u2f", sig=key.sign(said, ec.ECDSA(hashes.SHA256())), x5c=[certified])


def sized(raw: bytes) -> bytes:
    return len(raw).to_bytes(2, "big") + raw


def tpm(told: bytes = b"") -> str:
    """A TPM 2.0 certifies the key it holds (TPM 2.0 library, part 2, §12.2.4 and §10.12)."""
    made, key = Made(), ec.generate_private_key(ec.SECP256R1())
    n = made.device.key.public_key().public_numbers()
    point = sized(n.x.to_bytes(32, "big")) + sized(n.y.to_bytes(32, "big"))
    public = bytes.fromhex("0023000b00060472") + sized(b"") + bytes.fromhex("0010001000030010") + point
    name = b"\x00\x0b" + hashlib.sha256(public).digest()
    about = told or hashlib.sha256(made.signed).digest()
    certified = (
        bytes.fromhex("ff5443478017") + sized(b"") + sized(about) + bytes(17) + bytes(8) + sized(name) + sized(b"")
    )
    maker_of_chip = x509.Name(
        x509.NameAttribute(ObjectIdentifier(f"2.23.133.2.{number}"), value)
        for number, value in ((1, "id:494E5443"), (2, "Example"), (3, "id:0001"))
    )
    identity = certificate(
        key,
        x509.Name([]),
        (x509.SubjectAlternativeName([x509.DirectoryName(maker_of_chip)]), True),
        (x509.ExtendedKeyUsage([ObjectIdentifier("2.23.133.8.3")]), False),
        (x509.BasicConstraints(ca=False, path_length=None), False),
    )
    signature = key.sign(certified, ec.ECDSA(hashes.SHA256()))
    return made.answer("tpm", ver="2.0", alg=ES256, x5c=[identity], sig=signature, certInfo=certified, pubArea=public)


def apple(about: bytes = b"", device: Authenticator | None = None) -> str:
    """The certificate says which answer it is for, in an extension of Apple's (§8.8)."""
    made = Made()
    nonce = about or hashlib.sha256(made.signed).digest()
    proof = x509.UnrecognizedExtension(ObjectIdentifier("1.2.840.113635.100.8.2"), b"\x30\x24\xa1\x22\x04\x20" + nonce)
    return made.answer("apple", x5c=[certificate((device or made.device).key, x509.Name([]), (proof, False))])


def der(tag: str, content: bytes) -> bytes:
    assert len(content) < 128
    return bytes.fromhex(tag) + bytes([len(content)]) + content


def number(value: int) -> bytes:
    return der("02", bytes([value]))


def android_key(
    about: bytes = b"",
    *,
    origin: int = 0,
    purpose: int = 2,
    shared: bytes = b"",
    signer: Authenticator | None = None,
    algorithm: int = ES256,
) -> str:
    """The certificate describes the key: what it may do and where it was made (§8.4, and Android's key attestation)."""
    made = Made()
    hashed = about or hashlib.sha256(made.client).digest()
    hardware = der("a1", der("31", number(purpose))) + der("bf853e", number(origin))
    told = number(3) + der("0a", b"\1") + number(4) + der("0a", b"\1") + der("04", hashed) + der("04", b"")
    description = der("30", told + der("30", shared) + der("30", hardware))
    extension = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.11129.2.1.17"), description)
    chain = [certificate(made.device.key, x509.Name([]), (extension, False))]
    return made.answer("android-key", alg=algorithm, sig=(signer or made.device).sign(made.signed), x5c=chain)


GOOD = {
    "apple": apple,
    "android-key": android_key,
    "none": none,
    "packed, by itself": packed_by_itself,
    "packed, by the maker": packed_by_the_maker,
    "fido-u2f": fido_u2f,
    "tpm": tpm,
}


@pytest.mark.parametrize("name", GOOD)
def test_an_attestation_of_each_format_is_read(name: str) -> None:
    key = webauthn.verify_registration(RP, CHALLENGE, webauthn.read(GOOD[name]()))
    assert key.format == name.partition(",")[0]
    assert key.aaguid == (bytes(16) if name == "fido-u2f" else MODEL)
    assert key.sign_count == 1
    assert key.flags == webauthn.Flags(True, True, False, False)
    assert cose.load(key.public_key).algorithm == ES256


def forged_packed() -> str:
    made = Made()
    return made.answer("packed", alg=ES256, sig=Authenticator().sign(made.signed))


def packed_for_another_algorithm() -> str:
    made = Made()
    return made.answer("packed", alg=RS256, sig=made.device.sign(made.signed))


def something_beside_none() -> str:
    return Made().answer("none", sig=b"x")


def bare(fmt: str) -> str:
    """A certificate of the right key that says nothing more."""
    made = Made()
    chain = [certificate(made.device.key, x509.Name([]))]
    return made.answer(fmt, alg=ES256, sig=made.device.sign(made.signed), x5c=chain)


def an_unknown_format() -> str:
    return Made().answer("limen", sig=b"x")


BAD = {
    "a forged signature": forged_packed,
    "another algorithm": packed_for_another_algorithm,
    "a statement that says nothing, and yet something": something_beside_none,
    "u2f for another key": lambda: fido_u2f(b"x" * 20),
    "tpm for another answer": lambda: tpm(b"y" * 32),
    "apple for another answer": lambda: apple(b"z" * 32),
    "apple for another key": lambda: apple(device=Authenticator()),
    "android for another answer": lambda: android_key(b"z" * 32),
    "android, brought in from outside": lambda: android_key(origin=2),
    "android, not to sign": lambda: android_key(purpose=0),
    "android, for every application": lambda: android_key(shared=der("bf8458", b"\5\0")),
    "android, signed by another key": lambda: android_key(signer=Authenticator()),
    "android, of another algorithm": lambda: android_key(algorithm=ES384),
    "apple without a certificate": lambda: Made().answer("apple", x5c=[]),
    "apple with nonsense for a certificate": lambda: Made().answer("apple", x5c=[b"x"]),
    "android without what it describes": lambda: bare("android-key"),
    "apple without what it is for": lambda: bare("apple"),
    "unknown": an_unknown_format,
}


@pytest.mark.parametrize("name", BAD)
def test_an_attestation_that_does_not_hold_is_refused(name: str) -> None:
    with pytest.raises((Refused, Malformed)):
        webauthn.verify_registration(RP, CHALLENGE, webauthn.read(BAD[name]()))


def test_a_domain_must_be_the_one_the_key_is_for() -> None:
    device = Authenticator(rp="example.org")
    with pytest.raises(Refused):
        webauthn.verify_registration(RP, CHALLENGE, webauthn.read(device.create(asked(device))))


def asked(_: Authenticator) -> dict[str, Any]:
    return creation(RP, Wishes(), CHALLENGE, b"someone", "Someone")


# --- bytes that no authenticator made -------------------------------------------------------------------------------


@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    with pytest.raises(Malformed):
        webauthn.read(text)


@given(st.binary(max_size=400), st.binary(max_size=400))
def test_no_bytes_break_a_registration(client: bytes, attestation: bytes) -> None:
    answer = webauthn.read(Authenticator().answer(client, attestationObject=b64u(attestation)))
    with pytest.raises((Malformed, Refused)):
        webauthn.verify_registration(RP, CHALLENGE, answer)


@given(st.data())
def test_no_change_of_one_byte_goes_unseen_at_sign_in(data: st.DataObject) -> None:
    client = DEVICE.client_data("webauthn.get", CHALLENGE)
    auth = DEVICE.auth_data(UP | UV)
    parts = [client, auth, DEVICE.sign(auth + hashlib.sha256(client).digest())]
    assert used(*parts).flags.user_verified
    which = data.draw(st.integers(0, 2))
    place = data.draw(st.integers(0, len(parts[which]) - 1))
    byte = data.draw(st.integers(1, 255))
    changed = bytearray(parts[which])
    changed[place] ^= byte
    parts[which] = bytes(changed)
    with pytest.raises((Malformed, Refused)):
        used(*parts)


DEVICE = Authenticator(EDDSA)


def used(client: bytes, auth: bytes, signature: bytes) -> webauthn.Used:
    text = DEVICE.answer(client, authenticatorData=b64u(auth), signature=b64u(signature))
    return webauthn.verify_use(RP, CHALLENGE, webauthn.read(text), DEVICE.cose(), backup_eligible=False)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reading_of_a_key(raw: bytes) -> None:
    with pytest.raises(cose.BadKey):
        cose.load(raw)


def test_nesting_without_end_is_refused() -> None:
    with pytest.raises(cose.BadKey):
        cose.load(b"\x81" * 100_000)
    endless = webauthn.read(Authenticator().answer(b"{}", attestationObject=b64u(b"\x81" * 50_000)))
    with pytest.raises(Malformed):
        webauthn.verify_registration(RP, CHALLENGE, endless)


@pytest.mark.parametrize("algorithm", [ES256, ES384, ES512, EDDSA, RS256, PS256])
def test_a_signature_is_of_the_algorithm_of_its_key(algorithm: int) -> None:
    device = Authenticator(algorithm)
    key = cose.load(device.cose())
    assert key.algorithm == algorithm
    assert cose.is_signed(key, device.sign(b"said"), b"said")
    assert not cose.is_signed(key, device.sign(b"said"), b"something else")
    assert not cose.is_signed(key, b"", b"said")


def test_a_point_beside_its_curve_is_no_key() -> None:
    beside = {1: 2, 3: ES256, -1: 1, -2: bytes(31) + b"\1", -3: bytes(31) + b"\1"}
    with pytest.raises(cose.BadKey):
        cose.load(cbor2.dumps(beside))


def test_the_first_security_keys_stored_a_bare_point() -> None:
    device = Authenticator()
    point = device.key.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    assert cose.is_signed(cose.load(point), device.sign(b"said"), b"said")


def test_authenticator_data_carries_nothing_that_its_flags_do_not_tell_of() -> None:
    client = DEVICE.client_data("webauthn.get", CHALLENGE)
    longer = DEVICE.auth_data(UP | UV) + b"more"
    with pytest.raises(Malformed):
        used(client, longer, DEVICE.sign(longer + hashlib.sha256(client).digest()))
    attested = DEVICE.attested(UP | UV)
    assert attested[32] & AT
    assert used(client, attested, DEVICE.sign(attested + hashlib.sha256(client).digest())).sign_count


def test_an_id_is_no_longer_than_the_standard_allows() -> None:
    device = Authenticator(id_=b"x" * 1024)
    with pytest.raises(Refused):
        webauthn.verify_registration(RP, CHALLENGE, webauthn.read(device.create(asked(device))))


@pytest.mark.parametrize("origin", ["http://localhost:4455", "HTTP://LOCALHOST:4455"])
def test_the_case_of_an_origin_does_not_matter(origin: str) -> None:
    device = Authenticator(origin=origin)
    assert webauthn.verify_registration(RP, CHALLENGE, webauthn.read(device.create(asked(device)))).id == device.id


def test_the_options_are_json_for_a_browser() -> None:
    told = json.loads(json.dumps(asked(DEVICE)))["publicKey"]
    assert told["user"] == {"name": "Someone", "displayName": "Someone", "id": b64u(b"someone")}
    assert [one["alg"] for one in told["pubKeyCredParams"]] == list(cose.ALGORITHMS)
