"""MD4 (RFC 1320): broken for long, gone from OpenSSL 3, and still in databases people move in with."""

from __future__ import annotations

import struct
from collections.abc import Callable

_MASK = 0xFFFFFFFF
_Mix = Callable[[int, int, int], int]
_ROUNDS: tuple[tuple[_Mix, int, tuple[int, ...], tuple[int, ...]], ...] = (
    (lambda x, y, z: x & y | ~x & z, 0, tuple(range(16)), (3, 7, 11, 19)),
    (lambda x, y, z: x & y | x & z | y & z, 0x5A827999, (0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), (3, 5, 9, 13)),
    (lambda x, y, z: x ^ y ^ z, 0x6ED9EBA1, (0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15), (3, 9, 11, 15)),
)  # fmt: skip


class Md4:
    """A digest as `hashlib` has them, as far as `hmac` needs it."""

    name = "md4"
    digest_size = 16
    block_size = 64

    def __init__(self, data: bytes = b"") -> None:
        self._data = bytearray(data)

    def update(self, data: bytes) -> None:
        self._data += data

    def copy(self) -> Md4:
        return Md4(bytes(self._data))

    def digest(self) -> bytes:
        state = [0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476]
        length = len(self._data)
        padding = b"\x80" + bytes((55 - length) % 64) + struct.pack("<Q", 8 * length)
        whole = bytes(self._data) + padding
        for at in range(0, len(whole), 64):
            state = _block(state, struct.unpack_from("<16I", whole, at))
        return struct.pack("<4I", *state)

    def hexdigest(self) -> str:
        return self.digest().hex()


def _block(state: list[int], words: tuple[int, ...]) -> list[int]:
    a, b, c, d = state
    for mix, constant, order, shifts in _ROUNDS:
        for step, index in enumerate(order):
            turned = (a + mix(b, c, d) + words[index] + constant) & _MASK
            shift = shifts[step % 4]
            a, b, c, d = d, (turned << shift | turned >> (32 - shift)) & _MASK, b, c
    return [(old + new) & _MASK for old, new in zip(state, (a, b, c, d), strict=True)]
