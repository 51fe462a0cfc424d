"""Small values of answers: instants, entity tags, and the wait of ``Prefer``. Pure."""

import re
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import orjson

from conformance.standin.exchange import PartnerRequest

MAX_WAIT = 30
_WAIT = re.compile(r'(?:^|,)\s*wait\s*=\s*"?([0-9]{1,9})"?\s*(?=[,;]|$)', re.IGNORECASE)


def utc(milliseconds: int) -> str:
    """An instant as RFC 3339 in UTC with milliseconds."""
    seconds, rest = divmod(milliseconds, 1_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03}Z"


def entity_tag(*parts: Any) -> str:
    """A strong entity tag: a digest of all values that determine the answer."""
    return f'"{blake2b(orjson.dumps(parts), digest_size=12).hexdigest()}"'


def is_known(ask: PartnerRequest, tag: str) -> bool:
    """Whether ``If-None-Match`` lists this entity tag, strong or weak."""
    listed = ",".join(ask.headers.getall("If-None-Match", ()))
    return listed.strip() == "*" or tag.removeprefix("W/") in listed


def takes_gzip(ask: PartnerRequest) -> bool:
    """Whether ``Accept-Encoding`` takes gzip."""
    for coding in ask.headers.get("Accept-Encoding", "").lower().split(","):
        name, _, weight = coding.replace(" ", "").partition(";q=")
        if name == "gzip":
            return weight.strip("0.") != "" or weight == ""
    return False


def wait_of(ask: PartnerRequest) -> int:
    """The seconds of ``Prefer: wait=N`` (RFC 7240), at most 30; 0 if absent or malformed: it is only a preference."""
    found = _WAIT.search(",".join(ask.headers.getall("Prefer", ())))
    return min(MAX_WAIT, int(found[1])) if found else 0
