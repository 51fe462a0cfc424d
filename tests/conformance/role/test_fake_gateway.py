"""The kit's gateway answers every submission as a gateway does, and records it in the journal."""

import asyncio
import gzip
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from conformance.clock import today
from conformance.model.result import Exchange
from conformance.role.fake_gateway import FakeGateway
from conformance.role.host import ReceivedRequest, SentAnswer, hosting
from conformance.role.journal import SubmissionJournal
from conformance.role.traffic import RequestReader
from conformance.target.setup import SetupError, TargetAccount
from tests.conformance.partner_fixtures import SECRET, Publisher

ACCOUNT = TargetAccount(platform="bretagne", client_id="bretagne", secret=SECRET)
JSON, LINES = "application/json", "application/x-ndjson"
FORM = {"grant_type": "client_credentials", "client_id": "bretagne", "client_secret": SECRET}


@dataclass(frozen=True, slots=True)
class Client:
    """The kit's gateway at an address, and a client that has a token."""

    url: str
    session: aiohttp.ClientSession
    token: str
    gateway: FakeGateway
    submissions: SubmissionJournal
    journal: list[Exchange]

    async def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """Status and code of the answer."""
        given = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        async with self.session.request(method, self.url + path, data=body, headers=given) as response:
            answer = json.loads(await response.read() or b"{}")
            return response.status, answer.get("code", answer.get("error"))

    async def batch(self, body: bytes, **headers: str) -> tuple[int, Any]:
        """The same for a batch; ``_`` in a header name means ``-``."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.ask("POST", "/v1/offers/batch", body, {"Content-Type": LINES, **named})


def answering(gateway: FakeGateway) -> Callable[[ReceivedRequest], Awaitable[SentAnswer]]:
    """The gateway's answers, without trials."""
    reader = RequestReader()

    async def answer(asked: ReceivedRequest) -> SentAnswer:
        return await gateway.answer_as_gateway(asked, reader.read(asked, at=0.0, day=today()))

    return answer


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    journal: list[Exchange] = []
    submissions = SubmissionJournal("bretagne")
    gateway = FakeGateway(ACCOUNT, journal, submissions)
    async with hosting(gateway, answering(gateway), "127.0.0.1:0") as url, aiohttp.ClientSession() as session:
        async with session.post(f"{url}/oauth/token", data=FORM) as response:
            token = (await response.json())["access_token"]
        yield Client(url, session, token, gateway, submissions, journal)


async def test_an_error_of_a_run_is_no_error_of_listening() -> None:
    gateway = FakeGateway(ACCOUNT, [], SubmissionJournal("bretagne"))
    with pytest.raises(ValueError, match="of the run"):
        async with hosting(gateway, answering(gateway), "127.0.0.1:0"):
            raise ValueError("of the run")


async def test_an_address_in_use_is_reported_in_both_languages() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        gateway = FakeGateway(ACCOUNT, [], SubmissionJournal("bretagne"))
        with pytest.raises(SetupError) as refused:
            await hosting(gateway, answering(gateway), listen).__aenter__()
    assert f"The kit cannot listen on {listen}: Address already in use." == refused.value.text["en"]
    assert "Address" not in refused.value.text["fr"]


async def offers(number: int) -> list[bytes]:
    publisher = Publisher("http://127.0.0.1:1")
    await publisher.close()
    return [json.dumps(publisher.document(f"bretagne:{each}", 1)).encode() for each in range(number)]


@pytest.mark.parametrize("proof", ["A", "é", "====", "YnJldGFnbmU6ZmF1eA=="])
async def test_an_invalid_assertion_gets_no_token_and_is_in_the_journal(client: Client, proof: str) -> None:
    headers = {"Authorization": f"Basic {proof}", "Content-Type": "application/x-www-form-urlencoded"}
    body = b"grant_type=client_credentials"
    assert (401, "invalid_client") == await client.ask("POST", "/oauth/token", body, headers)
    assert ("/oauth/token", 401) == (client.journal[-1].url.removeprefix(client.url), client.journal[-1].status)


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        (b"none", {"Content_Encoding": "gzip"}, (400, "body-malformed")),
        (gzip.compress(b'{"id": 1}', mtime=0)[:-4], {"Content_Encoding": "gzip"}, (400, "body-truncated")),
        (b"{}", {"Content_Encoding": "br"}, (415, "content-encoding")),
        (b"[1", {"Content_Type": JSON}, (400, "body-truncated")),
        (b"[1] 2", {"Content_Type": JSON}, (400, "body-malformed")),
        (b"", {}, (422, "batch-empty")),
        (b"\n\n", {}, (422, "batch-empty")),
        (b"[]", {"Content_Type": JSON}, (422, "batch-empty")),
    ],
)
@pytest.mark.parametrize("faults", [[], [{"fault": "unavailable", "seconds": 1}]])
async def test_an_invalid_batch_is_a_problem_and_is_in_the_journal(
    client: Client, body: bytes, headers: dict[str, str], expected: tuple[int, str], faults: list[dict[str, Any]]
) -> None:
    client.gateway.faults.extend(faults)
    assert expected == await client.batch(body, **headers)
    assert expected[0] == client.journal[-1].status
    assert len(faults) == len(client.gateway.faults)


async def test_a_batch_is_judged_by_its_original_bytes_in_any_encoding(client: Client) -> None:
    whole = await offers(2)
    twice = whole[0].replace(b'"revision": 1', b'"revision": 1, "revision": 2')
    packed = gzip.compress(b"[" + whole[1] + b",") + gzip.compress(twice + b"]")
    assert 207 == (await sent(client, packed, "?partial=true", Content_Type=JSON, Content_Encoding="GZIP"))[0]
    assert ["accepted", "refused"] == [each.outcome for each in client.submissions.sent]
    assert ("json-duplicate-key",) == client.submissions.sent[1].problems


async def test_a_slow_answer_is_slow_once_and_everything_in_the_batch_is_kept(client: Client) -> None:
    client.gateway.faults.append({"fault": "slow", "seconds": 3_600, "stored": True})
    asking = asyncio.ensure_future(client.batch(b"\n".join(await offers(3))))
    async with asyncio.timeout(30):
        while len(client.submissions.sent) < 3:
            await asyncio.sleep(0.01)
    asking.cancel()
    assert ["lost"] * 3 == [each.outcome for each in client.submissions.sent]
    assert not client.gateway.faults


async def test_a_dry_run_of_a_batch_meets_no_fault_and_stores_nothing(client: Client) -> None:
    client.gateway.faults.append({"fault": "unavailable", "seconds": 1, "stored": True})
    body = b"\n".join(await offers(2))
    assert 200 == (await client.ask("POST", "/v1/offers/batch?dry_run=true", body, {"Content-Type": LINES}))[0]
    assert ([], 1) == (client.submissions.sent, len(client.gateway.faults))


async def test_a_failure_of_the_kit_itself_is_in_the_journal(client: Client) -> None:
    async def fall(_: ReceivedRequest) -> SentAnswer:
        raise ZeroDivisionError

    client.gateway.answering = fall
    async with client.session.get(
        f"{client.url}/v1/offers", headers={"Authorization": f"Bearer {client.token}"}
    ) as response:
        assert 500 == response.status
    assert 500 == client.journal[-1].status


async def test_a_publisher_that_leaves_before_its_content_is_whole_is_in_the_journal_without_an_answer(
    client: Client,
) -> None:
    """PUB-015."""
    _, writer = await asyncio.open_connection("127.0.0.1", int(client.url.rpartition(":")[2]))
    head = f"Authorization: Bearer {client.token}\r\nContent-Type: {JSON}\r\nContent-Length: 9999\r\n\r\n"
    writer.write(f"PUT /v1/offers/bretagne:1 HTTP/1.1\r\nHost: x\r\n{head}{{".encode())
    await writer.drain()
    writer.close()
    async with asyncio.timeout(30):
        while client.journal[-1].method != "PUT":
            await asyncio.sleep(0.01)
    assert 0 == client.journal[-1].status
    assert [] == client.submissions.sent


async def sent(client: Client, body: bytes, query: str = "", **headers: str) -> tuple[int, Any]:
    """Status and body of the answer to a batch."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    given = {"Authorization": f"Bearer {client.token}", "Content-Type": LINES, **named}
    async with client.session.post(f"{client.url}/v1/offers/batch{query}", data=body, headers=given) as response:
        return response.status, await response.json(content_type=None)


async def test_an_offer_of_another_platform_is_refused_and_in_the_journal(client: Client) -> None:
    """IDN-003, SEC-005."""
    [offer] = await offers(1)
    foreign = offer.replace(b"bretagne:0", b"normandie:0")
    assert (403, "not-owner") == await client.ask("PUT", "/v1/offers/normandie:0", foreign, {"Content-Type": JSON})
    assert [("normandie:0", "refused", ())] == [(s.id, s.outcome, s.problems) for s in client.submissions.sent]


async def test_what_a_snapshot_lacks_is_withdrawn_in_the_journal(client: Client) -> None:
    """PUB-020; the withdrawal is the gateway's own, noted after the submissions of the set."""
    one, two = await offers(2)
    assert 202 == (await client.batch(one + b"\n" + two))[0]
    mark = await taken_mark(client)
    body = one + b'\n{"count": 1}\n'
    assert (202, None) == await client.ask("POST", f"/v1/snapshots?mark={mark}", body, {"Content-Type": LINES})
    assert ["live", "withdrawn"] == [client.submissions.of(f"bretagne:{number}")["state"] for number in range(2)]
    assert ["accepted", "accepted", "duplicate", "accepted"] == [each.outcome for each in client.submissions.sent]
    last = client.submissions.sent[-1]
    assert ("bretagne:1", "absent") == (last.id, last.reason)


async def taken_mark(client: Client) -> str:
    given = {"Authorization": f"Bearer {client.token}"}
    async with client.session.post(f"{client.url}/v1/snapshots/marks", headers=given) as response:
        assert 201 == response.status
        mark: str = (await response.json())["mark"]
        return mark


async def test_a_fault_of_a_snapshot_hides_what_it_did(client: Client) -> None:
    """PUB-022: the mark is used up, and a repetition is stale."""
    [one] = await offers(1)
    mark = await taken_mark(client)
    client.gateway.faults.append({"fault": "unavailable", "seconds": 1, "stored": True})
    body = one + b'\n{"count": 1}\n'
    asked = ("POST", f"/v1/snapshots?mark={mark}", body, {"Content-Type": LINES})
    assert [(503, "outcome-unknown"), (409, "stale-mark")] == [await client.ask(*asked) for _ in range(2)]
    assert ["lost"] == [each.outcome for each in client.submissions.sent]


async def test_contents_of_all_requests_together_take_bounded_memory() -> None:
    """ERR-008: a request that exceeds the memory gets 503 and Retry-After; an answer frees what its request held."""
    submissions = SubmissionJournal("bretagne")
    [content] = await offers(1)
    gateway = FakeGateway(ACCOUNT, [], submissions)
    more = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield content[:-1]
        await more.wait()
        yield content[-1:]

    async with hosting(gateway, answering(gateway), "127.0.0.1:0") as url, aiohttp.ClientSession() as session:
        gateway.front.most_held = len(content) + 200
        async with session.post(f"{url}/oauth/token", data=FORM) as response:
            token = (await response.json())["access_token"]
        headers = {"Authorization": f"Bearer {token}", "Content-Type": LINES}
        address = f"{url}/v1/offers/batch"
        first = asyncio.ensure_future(session.post(address, data=slowly(), headers=headers))
        async with asyncio.timeout(20):
            while gateway.front.held < len(content) - 1:
                await asyncio.sleep(0.01)
        async with session.post(address, data=content, headers=headers) as response:
            assert (503, "2") == (response.status, response.headers["Retry-After"])
            assert "uploads-busy" == (await response.json(content_type=None))["code"]
        more.set()
        async with await first as response:
            assert 202 == response.status
        async with session.post(address, data=content, headers=headers) as response:
            assert 202 == response.status
        assert 0 == gateway.front.held
