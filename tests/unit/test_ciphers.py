"""The ciphers of stored tokens: Kratos' texts, rotation, and texts nobody made."""

from __future__ import annotations

from typing import Any

import pytest

from limen.core.ciphers import Cipher, hchacha20

OLD, NEW = "32-letters-for-the-cipher-secret", "another-secret-of-32-letters-yes"
ALGORITHMS: Any = ("noop", "aes", "xchacha20-poly1305")


def test_hchacha20_is_that_of_the_draft() -> None:
    """draft-irtf-cfrg-xchacha-03 §2.2.1."""
    key, nonce = bytes(range(32)), bytes.fromhex("000000090000004a0000000031415927")
    assert hchacha20(key, nonce).hex() == "82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_was_encrypted_is_decrypted_by_the_first_or_an_older_secret(algorithm: Any) -> None:
    text = Cipher(algorithm, [OLD]).encrypt("a token, größer")
    assert Cipher(algorithm, [OLD]).decrypt(text) == "a token, größer"
    assert Cipher(algorithm, [NEW, OLD]).decrypt(text) == "a token, größer"


@pytest.mark.parametrize("algorithm", ALGORITHMS[1:])
def test_without_the_secret_there_is_nothing_to_read(algorithm: Any) -> None:
    text = Cipher(algorithm, [OLD]).encrypt("a token")
    assert Cipher(algorithm, [NEW]).decrypt(text) is None
    assert Cipher(algorithm, []).decrypt(text) is None
    altered = f"{int(text[-1], 16) ^ 1:x}"
    assert Cipher(algorithm, [OLD]).decrypt(text[:-1] + altered) is None


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_nothing_stays_nothing_and_nonsense_is_no_text(algorithm: Any) -> None:
    cipher = Cipher(algorithm, [OLD])
    assert cipher.encrypt("") == ""
    assert cipher.decrypt("") == ""
    assert cipher.decrypt("not hex") is None
    assert cipher.decrypt("ff") is None


def test_noop_hides_nothing_and_the_others_never_repeat_themselves() -> None:
    assert Cipher("noop", []).encrypt("a token") == "6120746f6b656e"
    for algorithm in ALGORITHMS[1:]:
        assert len({Cipher(algorithm, [OLD]).encrypt("a token") for _ in range(3)}) == 3
