"""Functions that a sandbox's child runs in tests, hostile ones among them."""

import os
import sys
from collections import deque
from collections.abc import Mapping
from itertools import repeat
from typing import Any

from gateway.runtime.sandboxed import serve

STARTED_AT = os.nice(0)


def niceness(_content: bytes, _arguments: Mapping[str, Any]) -> Any:
    return STARTED_AT


def echo(content: bytes, arguments: Mapping[str, Any]) -> Any:
    return {"size": len(content), "arguments": dict(arguments), "process": os.getpid()}


def spin(_content: bytes, _arguments: Mapping[str, Any]) -> Any:
    while True:
        try:
            sum(range(1_000))
        except Exception:  # noqa: BLE001  # what hostile code paths may do
            continue


def hold(_content: bytes, _arguments: Mapping[str, Any]) -> Any:
    """One call of a C library that no signal interrupts."""
    return len(deque(repeat(0, 10**12), maxlen=0))


def fill(_content: bytes, _arguments: Mapping[str, Any]) -> Any:
    return len(bytearray(2 * 1024**3))


def fail(content: bytes, _arguments: Mapping[str, Any]) -> Any:
    raise ValueError(content.decode())


def write(content: bytes, arguments: Mapping[str, Any]) -> Any:
    with open(arguments["path"], "wb") as file:  # noqa: PTH123
        file.write(content)
    return None


def leave(_content: bytes, _arguments: Mapping[str, Any]) -> Any:
    os._exit(3)


def speak(content: bytes, _arguments: Mapping[str, Any]) -> Any:
    print(content, flush=True)  # noqa: T201
    sys.stderr.write(content.decode())
    return sorted(name for name in os.environ if name.startswith("PASSERELLE_"))


if __name__ == "__main__":
    serve({one.__name__: one for one in (echo, niceness, spin, hold, fill, fail, write, leave, speak)})
