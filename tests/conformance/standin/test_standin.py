"""Parts of the stand-in by themselves: the content digest, pages of a scripted feed, sealed texts."""

import asyncio
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast
from urllib.parse import parse_qsl

import pytest
import rfc8785
from aiohttp import StreamReader, web
from aiohttp.base_protocol import BaseProtocol
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, MultiDict

from conformance.clock import milliseconds, today
from conformance.role.host import _Bucket, read_content
from conformance.role.scripted_feed import ScriptedFeed
from conformance.standin.canonical import canonical
from conformance.standin.exchange import REQUESTS_PER_MINUTE, PartnerRequest, RefusedError
from conformance.standin.gateway import StandIn
from conformance.standin.seal import Seal
from conformance.standin.tokens import Client, Tokens
from tests.conformance.standin.request_generator import offer

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
)


@pytest.mark.slow
@given(JSON_VALUES)
def test_the_canonical_form_is_that_of_rfc_8785(value: Any) -> None:
    """REV-002."""
    assert rfc8785.dumps(value).decode() == canonical(value)


def test_a_sealed_text_is_read_for_its_purpose_only_and_is_long_and_of_both_cases() -> None:
    """SEC-006, FEED-004."""
    seal = Seal()
    text = seal.close("changes", 3, {"level": ["seconde"]})
    assert [3, {"level": ["seconde"]}] == seal.open("changes", text)
    wrong = ["", "x", "é", text + "A", text[:-1], text.swapcase(), text.lower(), Seal().close("changes", 3)]
    assert [None] * len(wrong) == [seal.open("changes", each) for each in wrong]
    assert seal.open("receipts", text) is None
    assert len(text) > 255
    assert text not in {text.lower(), text.upper()}


def ask_of(operation: str, platform: str, target: str, body: bytes = b"") -> PartnerRequest:
    query = dict(parse_qsl(target.partition("?")[2]))
    headers = CIMultiDict({"Content-Type": "application/json", "Prefer": "wait=1"})
    return PartnerRequest(
        "GET",
        target.partition("?")[0],
        query,
        headers,
        body,
        operation=operation,
        target=target,
        parameters=MultiDict(query),
        platform=platform,
    )


async def test_an_offer_whose_last_day_is_over_is_withdrawn_as_expired() -> None:
    """WDR-009."""
    days = [today()]
    standin = StandIn(
        [Client(platform="bretagne"), Client(platform="grand-est")], day=lambda: days[-1], now=milliseconds
    )
    ends = (days[0] + timedelta(days=3)).isoformat()
    sent = json.dumps(offer("1", expires_on=ends)).encode()
    assert 201 == (await standin.answer(ask_of("publishOffer", "bretagne", "/v1/offers/bretagne:1", sent))).status
    read = await standin.answer(ask_of("getChanges", "grand-est", "/v1/changes"))
    assert ["upsert"] == [change["op"] for change in read.body["changes"]]
    days += [days[0] + timedelta(days=3)]
    assert [] == await changes(standin, read.body["cursor"])
    days += [days[0] + timedelta(days=4)]
    assert [("removal", "expired")] == [
        (each["op"], each["reason"]) for each in await changes(standin, read.body["cursor"])
    ]
    gone = await standin.answer(ask_of("getOffer", "bretagne", "/v1/offers/bretagne:1"))
    assert (410, "expired") == (gone.status, json.loads(gone.content("fr"))["marker"]["reason"])


async def changes(standin: StandIn, cursor: str) -> list[Any]:
    answer = await standin.answer(ask_of("getChanges", "grand-est", f"/v1/changes?cursor={cursor}"))
    found: list[Any] = answer.body["changes"]
    return found


def test_a_token_ends_after_its_life_and_opens_its_scopes_only() -> None:
    """SEC-001, SEC-002."""
    clock = [0.0]
    tokens = Tokens([Client(platform="bretagne", client_id="b", secret="s")], lambda: clock[0])
    form = b"grant_type=client_credentials&client_id=b&client_secret=s&scope=offers:read"
    issued = tokens.issue(form, content_type="application/x-www-form-urlencoded", authorization=None)
    bearer = f"Bearer {issued.body['access_token']}"
    assert "bretagne" == tokens.authorise(bearer, ["offers:read"]).client.platform
    for opening, seconds, status in (("offers:publish", 0.0, 403), ("offers:read", issued.body["expires_in"], 401)):
        clock[0] = seconds
        with pytest.raises(RefusedError) as found:
            tokens.authorise(bearer, [opening])
        assert status == found.value.answer.status


def test_requests_beyond_the_rate_are_refused_until_the_bucket_fills() -> None:
    """ERR-006."""
    bucket = _Bucket()
    taken = [bucket.take(1_000.0) for _ in range(REQUESTS_PER_MINUTE)]
    assert '"partner";r=0;t=60' == taken[-1]["RateLimit"]
    with pytest.raises(RefusedError) as found:
        bucket.take(1_000.0)
    assert (429, "1") == (found.value.answer.status, found.value.answer.headers["Retry-After"])
    assert bucket.take(1_001.0)


@dataclass(frozen=True, slots=True)
class Arriving:
    """A request whose content arrives as it is fed."""

    content: StreamReader


async def test_content_that_stalls_is_refused() -> None:
    """ERR-007."""
    loop = asyncio.get_running_loop()
    protocol = BaseProtocol(loop)
    protocol.connection_made(asyncio.Transport())
    reader = StreamReader(protocol, 1 << 16, loop=loop)
    reader.feed_data(b"{")
    body = bytearray()
    with pytest.raises(RefusedError) as found:
        await read_content(cast("web.BaseRequest", Arriving(reader)), body, 100, seconds=0.01, take=lambda _: None)
    assert (408, b"{") == (found.value.answer.status, bytes(body))


def test_a_scripted_page_is_given_in_parts_of_the_limit() -> None:
    """FEED-003."""
    feed = ScriptedFeed(pages=[{"changes": [{"id": f"bretagne:{number}"} for number in range(250)]}])
    first = feed.next(None, "{}", limit=100, now=0)
    assert (100, True) == (len(first["changes"]), first["more"])
    second = feed.next(first["cursor"], "{}", limit=149, now=0)
    assert (149, True) == (len(second["changes"]), second["more"])
    third = feed.next(second["cursor"], "{}", limit=1000, now=0)
    assert (["bretagne:249"], False) == ([change["id"] for change in third["changes"]], third["more"])
    end = feed.next(third["cursor"], "{}", limit=100, now=0)
    assert ([], False) == (end["changes"], end["more"])
    assert ["", "0.0", "0.0", "0.1"] == [request["page"] for request in feed.requests]


def test_a_scripted_cursor_is_bound_to_its_filter_and_cannot_be_guessed() -> None:
    """FEED-004, FEED-009."""
    feed = ScriptedFeed(pages=[{"changes": []}])
    cursor = feed.next(None, '{"level":["seconde"]}', limit=100, now=0)["cursor"]
    feed.next(cursor, "{}", limit=100, now=0)
    feed.next("0.1", "{}", limit=100, now=0)
    assert ["page", "cursor-filter", "cursor-forged"] == [request["answer"] for request in feed.requests]


async def test_statistics_count_what_was_sent_and_show_no_platform_the_others_counts() -> None:
    """SEC-014, PUB-003: as the gateway's, which are behind by a minute and not compared in their rows."""
    clients = [Client(platform=slug) for slug in ("bretagne", "normandie")]
    standin = StandIn(clients, day=today, now=milliseconds)
    right, wrong = offer(1), offer(2, title="", sector="none")
    for document in (right, right, wrong):
        target = f"/v1/offers/{document['id']}"
        await standin.answer(ask_of("publishOffer", "bretagne", target, json.dumps(document).encode()))
    own = await standin.answer(ask_of("getStatistics", "bretagne", "/v1/statistics?group=verdict,department"))
    rows = [(row["verdict"], row["department"], row["count"]) for row in own.body["statistics"]]
    assert [("accepted", "35", 1), ("duplicate", "35", 1), ("refused", "35", 1)] == rows
    rules = await standin.answer(ask_of("getStatistics", "bretagne", "/v1/statistics?group=rule"))
    assert len(rules.body["statistics"]) >= 3
    assert [] == (await standin.answer(ask_of("getStatistics", "normandie", "/v1/statistics"))).body["statistics"]
    others = ask_of("getStatistics", "normandie", "/v1/statistics?platform=bretagne")
    assert 403 == (await standin.answer(others)).status
