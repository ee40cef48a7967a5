"""One spelling for each identifier, so that no two accounts differ only in case, width or invisible characters."""

from __future__ import annotations

import unicodedata

# Characters that are drawn as nothing although their category is not "other" (Unicode Default_Ignorable_Code_Point).
_IGNORABLE = {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0, *range(0x180B, 0x1810), *range(0xFE00, 0xFE10),
              *range(0xE0100, 0xE01F0)}  # fmt: skip


def canonical(value: str) -> str:
    """Trimmed, lower case, NFKC, without control, format, private and invisible characters (RFC 8265 in spirit).

    Never refuses: what cannot be part of an identifier is left out, as at sign-in a near miss must still be a miss.
    """
    value = value.strip()
    if value.isascii() and value.isprintable():
        return value.lower()
    value = unicodedata.normalize("NFKC", value)
    kept = (c for c in value if unicodedata.category(c)[0] != "C" and ord(c) not in _IGNORABLE)
    # A final sigma is the same letter: "ΟΔΟΣ" and "οδος" must not be two accounts.
    return unicodedata.normalize("NFKC", "".join(kept).lower().replace("ς", "σ"))


def phone(value: str) -> str | None:
    """The number in E.164 form (`+16502530000`), or None when it is no valid number with a country code."""
    if "+" not in value and "＋" not in value:
        return None
    import phonenumbers  # noqa: PLC0415 - 15 ms that a server without phone numbers does without

    try:
        number = phonenumbers.parse(unicodedata.normalize("NFKC", value.strip()), None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def identifier(value: str) -> str:
    """What is stored and looked up: a phone number in E.164 form, anything else in its canonical spelling."""
    value = canonical(value)
    return phone(value) or value


def address(value: str, via: str) -> str | None:
    """An address to write to, `via` email or sms; None when it is none."""
    return phone(value) if via == "sms" else canonical(value)


def channel(address_: str) -> str:
    """How an address is reached when nobody said: what has an @ is e-mail."""
    return "email" if "@" in address_ else "sms"
