"""bcrypt by the system's crypt library, where it has it: libxcrypt, on nearly every Linux, is an eighth faster than our package.

Password hashes are most of what a server computes. Elsewhere, and for what C cannot be handed, it is the package that works.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import bcrypt

_NAMES = ("libcrypt.so.1", "libcrypt.so.2")
_ROOM = 32768  # bytes of working memory, `struct crypt_data`
_PROBE = b"U*U", b"$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"

Crypt = Callable[[bytes, bytes], bytes | None]


def hashed(password: bytes, settings: bytes) -> bytes:
    """The whole hash, 60 characters.

    :param password: at most 72 bytes
    :param settings: `$2b$<cost>$` and the 22 characters of the salt
    """
    crypt = system()
    found = crypt(password, settings) if crypt and b"\0" not in password else None  # C's texts end at a zero
    return found or bcrypt.hashpw(password, settings)


@lru_cache(maxsize=1)
def system() -> Crypt | None:
    """The system's function, if it is there and right: None for what it cannot do."""
    import ctypes  # noqa: PLC0415 - with the first hash: it takes some milliseconds of the start

    for name in _NAMES:
        try:
            function = ctypes.CDLL(name).crypt_rn
        except (OSError, AttributeError):
            continue
        function.restype = ctypes.c_char_p
        function.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int]

        def crypt(password: bytes, settings: bytes, function: Callable[..., bytes | None] = function) -> bytes | None:
            room = ctypes.create_string_buffer(_ROOM)  # for each call: several threads hash at once
            found = function(password, settings, room, _ROOM)
            return found if found and len(found) == len(_PROBE[1]) and found.startswith(settings) else None

        if crypt(_PROBE[0], _PROBE[1][:29]) == _PROBE[1]:
            return crypt
    return None
