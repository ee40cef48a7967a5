"""The child process of `jsonnet.py`: evaluates one snippet after the other."""

from typing import Any

import _gojsonnet

from limen.core import confinedchild

MEMORY = 2 * 1024**3  # bytes of address space; the Go runtime alone reserves more than half of it


def _evaluate(asked: dict[str, Any]) -> dict[str, Any]:
    try:
        # A callback that answers nothing refuses every import: `importstr "/etc/passwd"` reads no file.
        text = _gojsonnet.evaluate_snippet(
            asked["name"],
            asked["snippet"],
            tla_codes=asked["arguments"],
            ext_codes=asked["variables"],
            import_callback=lambda *_: None,
        )
    except RuntimeError as error:
        return {"error": str(error)}
    return {"text": text}


if __name__ == "__main__":
    confinedchild.serve(_evaluate, memory=MEMORY)
