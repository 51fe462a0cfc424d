"""The state of one visitor's dialogue: sample, choices and what the page offered, sealed into a text that travels in
the form. Only the gateways of the federation can have made it, and only for some hours.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any

import orjson

from gateway.protocol.seal import Seal

PURPOSE = "connect"
LIFE_MS = 12 * 3_600_000
MAX_BYTES = 448 * 1024
"""Longest sealed text: 256 KiB of items that do not compress, in base64, and the choices."""
_VERSION = 1
_MAX_INFLATED = 1024 * 1024


class StateError(Exception):
    """A state that cannot be used. ``code``: ``altered`` or ``expired``."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class ConnectState:
    """``on``: the day by which offers are judged. ``controls``: per field of the page the path, the date pattern and
    the values of which the meaning is asked, so that only what a person changes becomes a choice. ``states``: the
    values by path of which the page asks whether they are online.
    """

    sample: Mapping[str, Any]
    on: date
    choices: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    controls: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    states: Mapping[str, Sequence[str]] = field(default_factory=dict)


def close(state: ConnectState, seal: Seal, *, now: int) -> str:
    """The sealed text of a state."""
    members = {one.name: getattr(state, one.name) for one in fields(state)}
    document = {"version": _VERSION, "until": now + LIFE_MS, **members}
    return seal.close(zlib.compress(orjson.dumps(document), 6))


def open_state(sealed: bytes, seal: Seal, *, now: int) -> ConnectState:
    """The state of a sealed text. Raises StateError."""
    payload = seal.open(sealed.decode("ascii", errors="replace")) if len(sealed) <= MAX_BYTES else None
    if payload is None:
        raise StateError("altered")
    inflater = zlib.decompressobj()
    try:
        text = inflater.decompress(payload, _MAX_INFLATED)
        if not inflater.eof:  # longer than any state of a form that a page offered
            raise StateError("altered")
        document = orjson.loads(text)
        if document["version"] != _VERSION or not now <= document["until"] <= now + LIFE_MS:
            raise StateError("expired")
        members = {one.name: document[one.name] for one in fields(ConnectState)}
        on = date.fromisoformat(members.pop("on"))
        if not all(isinstance(member, dict) for member in members.values()):
            raise StateError("altered")
    except (zlib.error, ValueError, KeyError, TypeError):  # of another version
        raise StateError("altered") from None
    return ConnectState(on=on, **members)
