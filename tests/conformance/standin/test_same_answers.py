"""The kit's stand-in answers as the gateway does: the same requests, valid and wrong, to both in the same state.

Compared are status, code, the problems, the headers that matter and the members of answers (``both_gateways``). The
requests are generated from the OpenAPI document (``request_generator``), changed at random (``request_mutation``), and
written from the sentences of docs/protocol.md (``request_sequences``). The test prints how many there were.
"""

import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from schemas.contract import openapi_document
from tests.conformance.standin.both_gateways import Answer, Both, Request, Side, both_gateways
from tests.conformance.standin.request_generator import JSON, LINES, generated, lines, offer, packed
from tests.conformance.standin.request_mutation import mutated
from tests.conformance.standin.request_sequences import SEQUENCES, Follow, described
from tests.raw_http import RawAnswer, RawConnection, exchange

LEAST = 2_000
"""Requests to be generated."""
MUTATED = 600
"""Requests of these with random changes."""
SETTLING_SECONDS = 10.0
"""How long the gateway's views may take until they have what was decided before."""
WAIT = (("Content-Type", JSON), ("Prefer", "wait=20"))

DIFFERENCES: dict[str, str] = {}
"""Differences that are known: a text in the request's address, and why the answers may differ."""

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Both]:
    async with both_gateways(tmp_path_factory.mktemp("both")) as both:
        for request in seeds():
            assert {} == await both.compare(request, seconds=SETTLING_SECONDS), request
        yield both


def seeds() -> list[Request]:
    """Offers of two platforms, and a receipt, a mark and a cursor to use."""
    placed = [
        Request(
            operation="publishOffer",
            method="PUT",
            target=f"/v1/offers/{slug}:seed-{number}",
            why="seed",
            caller=caller,
            headers=WAIT,
            body=packed(offer(f"seed-{number}", slug=slug)),
            keep={"receipt": "receipt"} if number == 1 else {},
        )
        for number, slug, caller in (
            (1, "bretagne", "publisher"),
            (2, "normandie", "neighbour"),
            (3, "normandie", "neighbour"),
        )
    ]
    listed = "/v1/offers?limit=1&platform=normandie"
    kept = [
        Request(operation="takeMark", method="POST", target="/v1/snapshots/marks", why="seed", keep={"mark": "mark"}),
        Request(operation="listOffers", method="GET", target=listed, why="seed", keep={"offercursor": "cursor"}),
    ]
    return [*placed, *kept]


@pytest.mark.timeout(300)
async def test_generated_requests_are_answered_alike(both: Both, capsys: pytest.CaptureFixture[str]) -> None:
    requests = [*generated(), *mutated(MUTATED)]
    wrong = []
    for request in requests:
        reads = request.method in {"GET", "HEAD"}
        different = await both.compare(request, seconds=SETTLING_SECONDS if reads and not _known(request) else 0.0)
        if different and not _known(request):
            wrong.append(f"{request}\n    {different}")
    with capsys.disabled():
        sys.stdout.write(f"\n{len(requests)} requests, {len(wrong)} answered differently\n")
        for operation, number in Counter(request.operation for request in requests).most_common():
            sys.stdout.write(f"{number:6} {operation}\n")
    assert [] == wrong
    assert len(requests) >= LEAST


def _known(request: Request) -> bool:
    return any(text in request.target for text in DIFFERENCES)


async def test_every_operation_is_among_them() -> None:
    operations = {
        operation["operationId"]
        for item in openapi_document()["paths"].values()
        for method, operation in item.items()
        if method != "parameters"
    }
    assert set() == operations - {request.operation for request in generated()}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", SEQUENCES)
async def test_sequences_of_requests_are_answered_alike(both: Both, name: str) -> None:
    wrong = []
    for number, step in enumerate(SEQUENCES[name](), start=1):
        if isinstance(step, Follow):
            copy = f"{name} {step.copy}"
            different = await both.follow(step.caller, step.query, copy, seconds=SETTLING_SECONDS)
        else:
            reads = step.method in {"GET", "HEAD"}
            different = await both.compare(step, seconds=SETTLING_SECONDS if reads else 0.0)
        if different:
            wrong.append(f"{number}. {described(step)}\n    {different}")
    assert [] == wrong


MALFORMED = {
    "no request": b"x\r\n\r\n",
    "no version": b"GET /v1/offers\r\n\r\n",
    "another version": b"GET /v1/offers HTTP/2.0\r\nHost: x\r\n\r\n",
    "version 1.2": b"GET /v1/offers HTTP/1.2\r\nHost: x\r\n\r\n",
    "an old version": b"GET /.well-known/passerelle HTTP/1.0\r\nHost: x\r\n\r\n",
    "a bare line feed in a field": b"GET / HTTP/1.1\r\nHost: x\r\nX: a\nb\r\n\r\n",
    "a control character in a field": b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a\x01b\r\n\r\n",
    "a space before the colon": b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
    "a long target": b"GET /v1/offers?cursor=" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "a long field": b"GET /v1/offers HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 9_000 + b"\r\n\r\n",
    "many fields": b"GET /v1/offers HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 200 + b"\r\n",
    "two lengths": b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
    "a length that is none": b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
    "a chunk that is none": b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "another method": b"BREW / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "without content": b"HEAD / HTTP/1.1\r\nHost : x\r\n\r\n",
    "in French, after a request in English": (
        b"GET /v1/x HTTP/1.1\r\nHost: x\r\nAccept-Language: en\r\n\r\nGET / HTTP/1.1\r\nHost : x\r\n\r\n"
    ),
    "in English": b"GET / HTTP/1.1\r\nHost : x\r\nAccept-Language: en\r\n\r\n",
}


@pytest.mark.parametrize("name", MALFORMED)
async def test_malformed_http_is_answered_alike(both: Both, name: str) -> None:
    found = [await exchange(urlsplit(side.url).port or 0, MALFORMED[name]) for side in (both.real, both.standin)]
    assert _outline(found[0]) == _outline(found[1])


def _outline(answers: list[RawAnswer]) -> list[tuple[object, ...]]:
    names = ("content-type", "content-language", "cache-control", "vary")
    return [(answer.status, *(answer.headers.get(name) for name in names), _code(answer)) for answer in answers]


def _code(answer: RawAnswer) -> object:
    problem = answer.body and "problem" in answer.headers.get("content-type", "")
    return answer.document["code"] if problem else None


@pytest.mark.timeout(60)
async def test_a_body_that_is_cut_is_answered_alike(both: Both) -> None:
    """PUB-015: the announced length never comes whole, or a chunk is malformed; nothing is queued."""
    body = lines(offer("cut"))
    for end in (b"", b"zz\r\n"):
        found = []
        for side in (both.real, both.standin):
            head = [
                "POST /v1/offers/batch HTTP/1.1",
                "Host: x",
                f"Authorization: Bearer {side.kept['publisher']}",
                f"Content-Type: {LINES}",
                "Transfer-Encoding: chunked" if end else f"Content-Length: {len(body)}",
                "Connection: close",
            ]
            data = b"%x\r\n%b\r\n%b" % (len(body), body, end) if end else body
            sent = "\r\n".join(head).encode() + b"\r\n\r\n" + data
            found.append(_outline(await exchange(urlsplit(side.url).port or 0, sent)))
        assert found[0] == found[1]


EARLY = {
    "no token": ("PUT /v1/offers/bretagne:1", "Bearer x", JSON),
    "another media type": ("PUT /v1/offers/bretagne:1", "Bearer ${publisher}", "text/plain"),
    "an unknown parameter": ("PUT /v1/offers/bretagne:1?x=1", "Bearer ${publisher}", JSON),
    "another platform": ("PUT /v1/offers/normandie:1", "Bearer ${publisher}", JSON),
    "no mark": ("POST /v1/snapshots", "Bearer ${publisher}", LINES),
    "a forged mark": ("POST /v1/snapshots?mark=x", "Bearer ${publisher}", LINES),
    "a withdrawal with a content": ("DELETE /v1/offers/bretagne:1?revision=1", "Bearer ${publisher}", JSON),
    "a reading with a content": ("GET /v1/offers?limit=1", "Bearer ${publisher}", JSON),
    "an unknown address": ("POST /v1/x", "Bearer ${publisher}", JSON),
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", EARLY)
async def test_what_needs_no_content_is_answered_before_it_comes(both: Both, name: str) -> None:
    line, authorization, media_type = EARLY[name]
    found = []
    for side in (both.real, both.standin):
        head = [
            f"{line} HTTP/1.1",
            "Host: x",
            f"Authorization: {side.filled(authorization)}",
            f"Content-Type: {media_type}",
            "Content-Length: 50",
        ]
        connection = await RawConnection.open(urlsplit(side.url).port or 0)
        await connection.send("\r\n".join(head).encode() + b"\r\n\r\n{")
        answer = await connection.answer()
        await connection.close()
        assert answer is not None
        found.append(_outline([answer]))
    assert found[0] == found[1]


class Altered(Side):
    """The stand-in, wrong in one way."""

    def __init__(self, side: Side, alter: Callable[[Answer], Answer]) -> None:
        super().__init__(side.url, side.session, side.accounts)
        self.kept = side.kept
        self._alter = alter

    async def send(self, request: Request) -> Answer:
        return self._alter(await super().send(request))


def _without(name: str) -> Callable[[Answer], Answer]:
    return lambda answer: replace(answer, headers={key: each for key, each in answer.headers.items() if key != name})


def _member(name: str, value: object) -> Callable[[Answer], Answer]:
    return lambda answer: replace(answer, body={**answer.body, name: value})


@pytest.mark.parametrize(
    ("alter", "target"),
    [
        (lambda answer: replace(answer, status=answer.status + 1), "/v1/offers"),
        (_member("code", "x"), "/v1/offers?x=1"),
        (_member("type", "about:blank"), "/v1/offers?x=1"),
        (_member("problems", []), "/v1/offers?x=1&y=2"),
        (_member("nearest", "x"), "/v1/offers?limits=1"),
        (_member("more", True), "/v1/changes?limit=1000"),
        (_member("offers", []), "/v1/offers?platform=bretagne"),
        *((_without(name), "/v1/offers?x=1") for name in ("Content-Type", "Vary", "RateLimit", "X-Request-Id")),
        (_without("ETag"), "/v1/offers"),
        (_without("Cache-Control"), "/v1/offers"),
        (_without("Allow"), "/oauth/token"),
    ],
)
async def test_a_stand_in_that_is_wrong_in_one_way_is_found(
    both: Both, alter: Callable[[Answer], Answer], target: str
) -> None:
    wrong = Both(both.real, Altered(both.standin, alter))
    request = Request(operation="listOffers", method="GET", target=target, why="")
    assert {} == await both.compare(request, seconds=SETTLING_SECONDS)
    assert {} != await wrong.compare(request)
