"""Proofs of lines of THREAT_MODEL.md that no other folder gives."""

import ast
import asyncio
import gzip
from pathlib import Path
from typing import Any, NoReturn

import pytest

from gateway.api.context import Limits
from gateway.partners.credential import revoke
from gateway.protocol.seal import ReceiptIds, Seal
from gateway.protocol.topic import OFFERS, RECEIPTS, REQUESTS, SUBMISSIONS
from tests.api.write.gateway_harness import SECRET, GatewayHarness, ndjson, offer, opened
from tests.clock import START

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
ADDRESS, PHONE = "jean.dupont@exemple.fr", "06 12 34 56 78"
OPENERS = {"socket", "urllib.request", "http.client", "requests", "httpx", "ClientSession", "open_connection"}


@pytest.fixture
async def gateway(tmp_path: Path) -> Any:
    async with opened(tmp_path) as gateway:
        yield gateway


class Watched(str):
    """A text that refuses to be compared as texts are: the duration would reveal how much of it was right."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, _: object) -> NoReturn:
        raise AssertionError("compared by equality")

    __ne__ = __eq__


async def test_a_revoked_partner_is_refused_at_its_next_request(gateway: GatewayHarness) -> None:
    """[T-05]: its token has not expired."""
    known = gateway.context.federation.partners.get("bretagne")
    assert known is not None
    assert 201 == (await gateway.put(offer(1))).status
    await gateway.context.federation.partners.save(revoke(known))
    answers = [
        await gateway.put(offer(2)),
        await gateway.ask("GET", "/v1/offers"),
        await gateway.ask("GET", "/v1/changes"),
    ]
    assert [(401, "token-invalid")] * 3 == [(answer.status, answer.code) for answer in answers]


def test_sealed_texts_are_never_compared_by_equality() -> None:
    """[T-08] [SEC-006]: cursors, marks and receipt ids, genuine ones and others."""
    seal, ids = Seal(SECRET, purpose="cursor"), ReceiptIds(SECRET)
    genuine = ids.mint("bretagne", partition=1, now=START, nonce=bytes(8))
    assert (1, START) == ids.read(Watched(genuine), publisher="bretagne")
    assert ids.read(Watched(genuine[:-2] + "AA"), publisher="bretagne") is None
    assert b"a place" == seal.open(Watched(seal.close(b"a place")))
    assert seal.open(Watched(seal.close(b"a place")[:-1] + "A")) is None


async def test_a_client_that_does_not_finish_its_body_is_disconnected(tmp_path: Path) -> None:
    """[T-10] [ERR-007]: one that stops, and one that trickles; uploads have limits of their own."""
    head = "PUT /v1/offers/bretagne:1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer bretagne\r\n"
    head += "Content-Type: application/json\r\nContent-Length: 50000\r\n\r\n{"
    async with opened(tmp_path, limits=Limits(read_seconds=0.3), working=False) as gateway:
        for more in (b"", b" "):
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            writer.write(head.encode())
            answer = asyncio.create_task(reader.readline())
            async with asyncio.timeout(10):
                while not answer.done():
                    writer.write(more)
                    await asyncio.sleep(0.02)
            assert b" 408 " in answer.result()
            writer.close()
        assert [] == await gateway.submitted()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/<script>alert(1)</script>"),
        ("GET", "/v1/offers?<script>=<script>"),
        ("GET", "/v1/offers/bretagne:<b>"),
        ("GET", "/v1/receipts/<script>"),
        ("GET", "/v1/reference/<img>"),
        ("PUT", "/v1/offers/bretagne:1"),
        ("PATCH", "/v1/offers/<script>"),
    ],
)
async def test_no_answer_is_a_page(gateway: GatewayHarness, method: str, path: str) -> None:
    """[T-14]: echoed input is a value in JSON, which no browser renders as a page."""
    markup = offer(1, title="<script>alert(1)</script>") if method == "PUT" else None
    answer = await gateway.ask(method, path, json=markup, headers={"Accept": "text/html"})
    assert answer.status >= 400
    assert "application/problem+json" == answer.headers["Content-Type"]


def imported(path: Path) -> set[str]:
    """Every module and name that a file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or "", *(name.name for name in node.names)}
    return found


def test_rooms_that_handle_offers_open_no_connection() -> None:
    """[T-15]: an address in an offer is a text; no code that handles one can fetch it."""
    rooms = ("protocol", "relay", "store", "ingest", "publish", "api")
    folders = ("schemas", *(f"gateway/{room}" for room in rooms))
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    assert len(files) > 100
    assert {"socket"} <= imported(ROOT / "gateway/oauth/remote.py"), "the search itself can fail"
    assert {path.name: imported(path) & OPENERS for path in files if imported(path) & OPENERS} == {}


async def test_personal_data_reaches_the_log_by_no_channel(gateway: GatewayHarness) -> None:
    """[T-17] [OFR-034]: single, in lines, in an array, compressed, in a snapshot, with a key; accepted or refused."""
    text = f"Écrire à {ADDRESS} ou appeler le {PHONE}."
    personal: dict[str, Any] = {
        "title": text,
        "description": text,
        "employer": {"name": text, "description": text},
        "location": {"street": text, "postal_code": "35000", "city": "Rennes"},
        "extensions": {"bretagne": {"contact": [text, {ADDRESS: PHONE}]}},
    }
    sound, unsound = offer(1, **personal), offer(2, **personal, sector=ADDRESS, levels=[PHONE], titel=text)
    key = {"Idempotency-Key": "one"}
    answers = [
        await gateway.put(sound),
        await gateway.put(unsound),
        await gateway.batch(ndjson(offer(3, **personal), unsound), query="?partial=true", headers=key),
        await gateway.batch(gzip.compress(ndjson(offer(4, **personal))), headers={"Content-Encoding": "gzip"}),
        await gateway.ask("POST", "/v1/offers/batch", json=[offer(5, **personal)]),
        await gateway.snapshot(
            await gateway.mark(), *(offer(number, 2, **personal) for number in (1, 3, 4, 5)), unsound
        ),
    ]
    assert [201, 422, 207, 202, 202, 202] == [answer.status for answer in answers]
    await gateway.settled()
    held = [record for topic in (SUBMISSIONS, OFFERS, RECEIPTS, REQUESTS) for record in await gateway.records(topic)]
    assert len(held) > 20
    kept = [record.value or b"" for record in held]
    assert [
        value for value in [*kept, *(answer.raw for answer in answers)] if b"exemple.fr" in value or b"34 56" in value
    ] == []
