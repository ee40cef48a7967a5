"""Two formats of attestation, checked as far as a statement goes by itself (W3C Web Authentication, Level 3, §8.4 and §8.8).

Whose root certificate a phone's chain leads to is not asked: makers exchange their roots, and what is wanted is a key, not a
brand. The other formats are checked by the library that `webauthn` calls.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ObjectIdentifier

from limen.core import cose

FORMATS: Final = ("apple", "android-key")
_NONCE = ObjectIdentifier("1.2.840.113635.100.8.2")
_DESCRIPTION = ObjectIdentifier("1.3.6.1.4.1.11129.2.1.17")  # Android's "key attestation extension data"
_CHALLENGE, _SOFTWARE, _HARDWARE = 4, 6, 7  # its fields
_PURPOSE, _ALL_APPLICATIONS, _ORIGIN = 1, 600, 702  # tags of an authorization list
_SIGN, _GENERATED = 2, 0  # a purpose, an origin
_MAX_LENGTH_BYTES = 4


class Unproved(ValueError):
    """The statement is not what its format asks for; says why, for the log."""


def check(fmt: str, statement: Mapping[str, Any], data: bytes, client_hash: bytes, public_key: bytes) -> None:
    """Check the statement about this new key.

    :param data: the authenticator data, and `client_hash` the SHA-256 of the client data
    :param public_key: the new key, as a COSE key
    :raises Unproved: it does not hold
    """
    chain = statement.get("x5c")
    if not isinstance(chain, list) or not chain or not isinstance(chain[0], bytes):
        raise Unproved("no certificate")
    try:
        certificate, key = x509.load_der_x509_certificate(chain[0]), cose.load(public_key)
        whose = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except ValueError as error:
        raise Unproved(f"a certificate or key that cannot be read: {error}") from error
    if whose != key.key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo):
        raise Unproved("the certificate is about another key")
    if fmt == "apple":
        _check_apple(certificate, hashlib.sha256(data + client_hash).digest())
        return
    signature = statement.get("sig")
    if statement.get("alg") != key.algorithm or not isinstance(signature, bytes):
        raise Unproved("no signature of the key's algorithm")
    if not cose.is_signed(key, signature, data + client_hash):
        raise Unproved("the signature is not this key's")
    _check_android(certificate, client_hash)


def _extension(certificate: x509.Certificate, oid: ObjectIdentifier) -> bytes:
    try:
        value = certificate.extensions.get_extension_for_oid(oid).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError) as error:
        raise Unproved(f"the certificate lacks {oid.dotted_string}") from error
    return value.value if isinstance(value, x509.UnrecognizedExtension) else b""


def _check_apple(certificate: x509.Certificate, nonce: bytes) -> None:
    inner = [value for _, value in _parts(_extension(certificate, _NONCE))]
    found = [value for outer in inner for tag, value in _parts(outer) if tag == 1]
    octets = [value for part in found for _, value in _parts(part)]
    if len(octets) != 1 or not hmac.compare_digest(octets[0], nonce):
        raise Unproved("the certificate is for another answer")


def _check_android(certificate: x509.Certificate, client_hash: bytes) -> None:
    sequence = list(_parts(_extension(certificate, _DESCRIPTION)))
    fields = [value for _, value in _parts(sequence[0][1])] if sequence else []
    if len(fields) <= _HARDWARE or not hmac.compare_digest(fields[_CHALLENGE], client_hash):
        raise Unproved("the certificate is for another answer")
    software, hardware = dict(_parts(fields[_SOFTWARE])), dict(_parts(fields[_HARDWARE]))
    if _ALL_APPLICATIONS in software or _ALL_APPLICATIONS in hardware:
        raise Unproved("the key is for all applications")
    origins = {int.from_bytes(v) for part in (software, hardware) for _, v in _parts(part.get(_ORIGIN, b""))}
    purposes = {
        int.from_bytes(v)
        for part in (software, hardware)
        for _, several in _parts(part.get(_PURPOSE, b""))
        for _, v in _parts(several)
    }
    if origins != {_GENERATED} or _SIGN not in purposes:
        raise Unproved("the key was not made in the device, or not to sign")


def _parts(raw: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag number and content of each element of DER (X.690 §8.1); the class of a tag does not matter here.

    :raises Unproved: it is cut short, or of a length without end
    """
    at = 0
    while at < len(raw):
        tag, at = raw[at] & 0x1F, at + 1
        if tag == 0x1F:  # a number that takes more than five bits
            tag = 0
            while at < len(raw):
                byte, at = raw[at], at + 1
                tag = tag << 7 | byte & 0x7F
                if not byte & 0x80:
                    break
        length, at = raw[at] if at < len(raw) else -1, at + 1
        if length >= 0x80:
            size = length & 0x7F
            if not 0 < size <= _MAX_LENGTH_BYTES:
                raise Unproved("a length that cannot be read")
            length, at = int.from_bytes(raw[at : at + size]), at + size
        if length < 0 or at + length > len(raw):
            raise Unproved("a certificate that was cut short")
        yield tag, raw[at : at + length]
        at += length
