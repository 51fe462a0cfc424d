"""The kit's gateway answers every submission as a gateway does, and records it in the journal."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

import schemas
from conformance.clock import today
from conformance.model.result import Exchange
from conformance.role.fake_gateway import FakeGateway
from conformance.role.host import Host, HostAnswer, PartnerRequest, hosting
from conformance.role.journal import SubmissionJournal
from conformance.target.setup import Account
from tests.conformance.partner_fixtures import SECRET, Publisher

ACCOUNT = Account(platform="bretagne", client_id="bretagne", secret=SECRET)
FORM = {"grant_type": "client_credentials", "client_id": "bretagne", "client_secret": SECRET}


@dataclass(frozen=True, slots=True)
class Client:
    """The kit's gateway at an address, and a client that has a token."""

    url: str
    session: aiohttp.ClientSession
    token: str
    host: Host
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
        return await self.ask("POST", "/v1/offers/batch", body, named)

    async def first_message(self, accepted: str) -> str:
        """The first problem of an invalid offer, for this Accept-Language."""
        given = {"Authorization": f"Bearer {self.token}", "Accept-Language": accepted}
        async with self.session.put(self.url + "/v1/offers/bretagne:1", data=b"[]", headers=given) as response:
            return str((await response.json(content_type=None))["problems"][0]["message"])


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    journal: list[Exchange] = []
    submissions = SubmissionJournal("bretagne")
    host = Host(ACCOUNT, journal)
    gateway = FakeGateway(submissions, day=today, expire=host.expire)
    async with hosting(host, gateway.answer, "127.0.0.1:0") as url, aiohttp.ClientSession() as session:
        async with session.post(f"{url}/oauth/token", data=FORM) as response:
            token = (await response.json())["access_token"]
        yield Client(url, session, token, host, gateway, submissions, journal)


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
        (b"[1", {}, (400, "body-truncated")),
        (b"[1] 2", {}, (400, "body-malformed")),
        (b"", {}, (422, "batch-empty")),
        (b"\n\n", {}, (422, "batch-empty")),
        (b"[]", {}, (422, "batch-empty")),
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
    assert 207 == (await sent(client, packed, "?partial=true", Content_Encoding="GZIP"))[0]
    assert ["accepted", "refused"] == [each.outcome for each in client.submissions.sent]
    assert ("json-duplicate-key",) == client.submissions.sent[1].problems


@pytest.mark.parametrize("revision", ["", "²", "9" * 5_000, "1.0"])
async def test_a_revision_that_is_not_a_number_is_a_problem(client: Client, revision: str) -> None:
    status, code = await client.ask("DELETE", f"/v1/offers/bretagne:1?revision={revision}")
    assert (400, "parameter-invalid" if revision else "parameter-missing") == (status, code)


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
    assert 200 == (await client.ask("POST", "/v1/offers/batch?dry_run=true", body))[0]
    assert ([], 1) == (client.submissions.sent, len(client.gateway.faults))


async def test_a_failure_of_the_kit_itself_is_in_the_journal(client: Client) -> None:
    async def fall(_: PartnerRequest) -> HostAnswer:
        raise ZeroDivisionError

    client.host.answering = fall
    async with client.session.get(
        f"{client.url}/v1/x", headers={"Authorization": f"Bearer {client.token}"}
    ) as response:
        assert 500 == response.status
    assert 500 == client.journal[-1].status


async def test_problems_are_in_the_language_that_the_publisher_prefers(client: Client) -> None:
    french, english = "Un objet JSON est attendu", "A JSON object is expected"
    for accepted in ("", "fr", "de", "en;q=0.5, fr", "en;q=x"):
        assert french in await client.first_message(accepted), accepted
    for accepted in ("en", "en-GB, fr;q=0.9", "de, en;q=0.1"):
        assert english in await client.first_message(accepted), accepted


async def sent(client: Client, body: bytes, query: str = "", **headers: str) -> tuple[int, Any]:
    """Status and body of the answer to a batch."""
    given = {"Authorization": f"Bearer {client.token}", **{name.replace("_", "-"): it for name, it in headers.items()}}
    async with client.session.post(f"{client.url}/v1/offers/batch{query}", data=body, headers=given) as response:
        return response.status, await response.json(content_type=None)


async def test_a_batch_is_answered_as_by_the_real_gateway(client: Client) -> None:
    """PUB-010, PUB-011, PUB-016: a letter for every item, problems of refused ones, receipts of queued ones."""
    one, two = await offers(2)
    wrong = two.replace(b'"sector": "', b'"sector": "x')
    status, body = await sent(client, one + b"\n" + wrong)
    assert (422, "nr", 0) == (status, body["statuses"], body["queued"])
    assert {"receipts", "batch"}.isdisjoint(body)
    assert {} == client.submissions.states
    status, body = await sent(client, one + b"\n" + wrong, "?partial=true")
    assert (207, "qr", {"not-in-list": 1}) == (status, body["statuses"], body["rules"])
    assert [True, False] == ["receipt" in result for result in body["results"]]
    assert "not-in-list" == body["results"][1]["problems"][0]["code"]
    schemas.validator("batch-result").validate(body)
    given = {"Authorization": f"Bearer {client.token}"}
    async with client.session.get(client.url + body["receipts"], headers=given) as response:
        [receipt] = (await response.json())["receipts"]
    assert (body["results"][0]["receipt"], "accepted") == (receipt["receipt"], receipt["verdict"])
    schemas.validator("receipt").validate(receipt)
    assert 422 == (await sent(client, wrong, "?partial=true"))[0]
    status, body = await sent(client, two, "?dry_run=true")
    assert (200, "v") == (status, body["statuses"])
    assert 1 == len(client.submissions.states)


async def test_a_publisher_that_waits_for_a_batch_gets_the_decisions(client: Client) -> None:
    """PUB-018."""
    one, two = await offers(2)
    await sent(client, one)
    status, body = await sent(client, one + b"\n" + two, Prefer="wait=5")
    assert (200, "da", 0) == (status, body["statuses"], body["pending"])
    assert {"duplicate": 1, "accepted": 1} == body["verdicts"]
