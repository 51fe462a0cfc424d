"""The profiles and transports of the guides can be used unchanged."""

import re
from pathlib import Path

import orjson
import pytest

from adapters.profile.profile import Profile, profiles, read_profile
from adapters.transport.feed import FeedError, _words

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```json\n(.*?)^```", re.DOTALL | re.MULTILINE)
TRANSPORTS = ("https", "sftp", "folder", "native")


def blocks(page: Path) -> list[dict[str, object]]:
    return [orjson.loads(block) for block in BLOCK.findall(page.read_text(encoding="utf-8"))]


def test_the_profile_of_the_guide_is_one() -> None:
    [document] = blocks(DOCS / "connect.md")
    assert isinstance(read_profile(document), Profile)


@pytest.mark.parametrize("kind", TRANSPORTS)
def test_the_transport_of_each_page_is_one(kind: str) -> None:
    [transport] = blocks(DOCS / "transports" / f"{kind}.md")
    assert kind == transport["kind"]
    base = {key: value for key, value in profiles()["bretagne"].document.items() if key != "transport"}
    host_key = {"host_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA"} if kind == "sftp" else {}
    read = read_profile({**base, "transport": {**transport, **host_key}, "format": "cleverconnect"})
    assert isinstance(read, Profile), read


@pytest.mark.parametrize("code", sorted(_words()))
def test_every_error_of_a_feed_has_a_text_in_french_and_english(code: str) -> None:
    values = dict.fromkeys(("host", "address", "reason", "name", "encoding", "ratio", "most", "seconds", "rate"), "x")
    error = FeedError(code, **values, status="x", count="x", items="x", refused="x", passed="x")
    assert error.words("fr") != error.words("en")
    assert "{" not in error.words("fr") + error.words("en")
