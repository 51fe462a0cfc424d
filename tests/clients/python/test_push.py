"""Pushes: signatures as Standard Webhooks has them, and pages that a copy applies."""

import base64
import hashlib
import hmac
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from passerelle_client import ClientError, PageError, SignatureError, SqliteStore, clock, receive, verify

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_" + base64.b64encode(b"another secret of 24 by.").decode()
BODY = b'{"test": 2432232314}'
AT = 1614265330
HEADERS = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": str(AT),
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}


def signed(body: bytes, secret: str = SECRET, *, at: float | None = None) -> dict[str, str]:
    timestamp = str(int(clock.now() / 1000 if at is None else at))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, b"m1." + timestamp.encode() + b"." + body, hashlib.sha256).digest()
    signature = "v1," + base64.b64encode(digest).decode()
    return {"Webhook-Id": "m1", "Webhook-Timestamp": timestamp, "Webhook-Signature": signature}


def test_a_signature_of_one_of_the_secrets_is_taken() -> None:
    """While a secret is rotated, the sender signs with both and the receiver knows both."""
    verify(HEADERS, BODY, SECRET, now=AT)
    both = {**HEADERS, "webhook-signature": f"v1a,x v1,AAAA {HEADERS['webhook-signature']}"}
    verify({name.title(): value for name, value in both.items()}, BODY, [OTHER, SECRET], now=AT)


@pytest.mark.parametrize(
    ("change", "body", "secret"),
    [
        ({}, BODY + b" ", SECRET),
        ({}, BODY, OTHER),
        ({"webhook-id": "msg_other"}, BODY, SECRET),
        ({"webhook-timestamp": str(AT + 1)}, BODY, SECRET),
        ({"webhook-timestamp": "soon"}, BODY, SECRET),
        ({"webhook-timestamp": ""}, BODY, SECRET),
        ({"webhook-id": ""}, BODY, SECRET),
        ({"webhook-signature": ""}, BODY, SECRET),
        ({"webhook-signature": "v1,"}, BODY, SECRET),
        ({"webhook-signature": HEADERS["webhook-signature"].replace("v1", "v2")}, BODY, SECRET),
        ({"webhook-signature": "v1,é"}, BODY, SECRET),
    ],
)
def test_anything_else_is_refused(change: dict[str, str], body: bytes, secret: str) -> None:
    """Another subscription's signature too."""
    with pytest.raises(SignatureError, match="answer 401"):
        verify({**HEADERS, **change}, body, secret, now=AT, language="en")


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_push_of_more_than_five_minutes_ago_or_ahead_is_refused(seconds: int) -> None:
    verify(HEADERS, BODY, SECRET, now=AT + seconds + (1 if seconds < 0 else -1))
    with pytest.raises(SignatureError, match="5 minutes"):
        verify(HEADERS, BODY, SECRET, now=AT + seconds, language="en")


@pytest.mark.parametrize("secret", ["whsec_é&", "whsec_", "", "whsec_c2hvcnQ="])
def test_a_secret_that_is_none_is_said_without_its_text(secret: str) -> None:
    """Anybody signs with an empty key."""
    with pytest.raises(ClientError, match="cannot be read") as caught:
        verify(HEADERS, BODY, secret, now=AT, language="en")
    assert "é&" not in str(caught.value)


def page(generation: int, *changes: tuple[str, int, str | None], more: bool = False) -> bytes:
    items = [
        {"op": "removal", "id": one, "sequence": sequence, "reason": "filled"}
        if title is None
        else {"op": "upsert", "id": one, "sequence": sequence, "offer": {"title": title}}
        for one, sequence, title in changes
    ]
    return json.dumps({"changes": items, "more": more, "generation": generation}).encode()


class Copy:
    """A copy of pushes."""

    def __init__(self, folder: Path) -> None:
        self._path = str(folder / "offers.db")
        self.store = SqliteStore(self._path)

    def receive(self, body: bytes) -> None:
        receive(self.store, signed(body), body, [OTHER, SECRET])

    @property
    def titles(self) -> dict[str, str]:
        with closing(sqlite3.connect(self._path)) as database:
            rows = database.execute("SELECT id, offer FROM passerelle_offers WHERE offer IS NOT NULL")
            return {name: json.loads(offer)["title"] for name, offer in rows}


def test_a_push_is_applied_once_in_order_and_by_generation(tmp_path: Path) -> None:
    """Duplicates, an earlier page that comes late, and a generation whose end sweeps what it did not name."""
    store = Copy(tmp_path)
    store.receive(page(1, ("a", 1, "A"), ("b", 2, "B")))
    store.receive(page(1, ("a", 3, None)))
    store.receive(page(1, ("a", 1, "A"), ("b", 2, "B")))
    assert {"b": "B"} == store.titles
    store.receive(page(2, ("c", 4, "C"), more=True))
    assert {"b": "B", "c": "C"} == store.titles
    store.receive(page(1, ("b", 9, "B, of an earlier generation")))
    store.receive(page(2))
    assert {"c": "C"} == store.titles


def test_a_push_that_is_not_verified_or_not_a_page_changes_nothing(tmp_path: Path) -> None:
    store = Copy(tmp_path)
    store.receive(page(1, ("a", 1, "A")))
    with pytest.raises(SignatureError):
        receive(store.store, signed(page(1, ("a", 2, None)), OTHER), page(1, ("a", 2, None)), SECRET)
    for body in (b"", b"[]", b'{"changes": [], "more": false}', page(1, ("b", 2, "B")).replace(b'"id": "b", ', b"")):
        with pytest.raises(PageError):
            store.receive(body)
    assert {"a": "A"} == store.titles
