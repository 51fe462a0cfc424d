"""What ``publish`` and ``snapshot`` print about refusals, and how they read decisions."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

import aiohttp
import orjson

from demo.generator import GeneratedOffer, generate
from gateway.cli.document import FileDocument
from gateway.cli.tally import DocumentTally
from gateway.client import Client, ClientAnswer
from gateway.clock import now
from gateway.protocol.paris_time import paris_date
from tests.cli.conftest import RunningGateway
from tests.revision import revised


def good(count: int) -> list[GeneratedOffer]:
    return list(generate(6, "bretagne", count, date.fromisoformat(paris_date(now())), wrong=0.0))


def wrong(offer: GeneratedOffer, **other: Any) -> bytes:
    return orjson.dumps({**orjson.loads(offer.raw), **other})


async def test_refusals_are_grouped_by_rule_with_count_lines_and_remedy(running_gateway: RunningGateway) -> None:
    """PUB-017: one row that counts a mistake replaces a hundred rows."""
    file = running_gateway.shell.folder / "offers.ndjson"
    offers = good(130)
    lines = [wrong(offer, sector="s99") for offer in offers[:120]] + [wrong(offers[120], seats=0)]
    file.write_bytes(b"\n".join([*lines, *(offer.raw for offer in offers[121:])]))
    ended = await running_gateway.shell("publish", file, "--lang", "en")
    assert (1, True) == (ended.code, "130 document(s): 9 accepted, 121 refused\n" in ended.output), ended.output
    groups = ended.output.partition("Rule and lines")[2]
    assert re.search(r"^ +120 +error not-in-list +", groups, re.MULTILINE), ended.output
    assert "1, 2, 3 …" in groups
    assert "→" in groups
    french = await running_gateway.shell("publish", file)
    assert "Règle et lignes" in french.output


async def test_a_snapshot_reports_refused_and_rejected_offers(
    running_gateway: RunningGateway,
) -> None:
    """PUB-018: a reused revision that the relay rejects is reported like a refused line, and the exit code is 1."""
    file = running_gateway.shell.folder / "offers.ndjson"
    offers = good(6)
    file.write_bytes(b"\n".join(revised(offer, 5).raw for offer in offers))
    assert (await running_gateway.shell("snapshot", file)).code == 0
    reused = [wrong(revised(offer, 5), title="Une autre découverte") for offer in offers[:2]]
    file.write_bytes(
        b"\n".join([*reused, wrong(offers[2], sector="s99"), *(revised(one, 6).raw for one in offers[3:])])
    )
    ended = await running_gateway.shell("snapshot", file, "--lang", "en")
    assert ended.code == 1, ended.errors
    assert "6 document(s): 3 accepted, 3 refused; 0 absent offer(s) withdrawn\n" in ended.output
    groups = ended.output.partition("Rule and lines")[2]
    assert re.search(r"^ +2 +error revision-reused +", groups, re.MULTILINE), ended.output
    assert re.search(r"^ +1 +error not-in-list +", groups, re.MULTILINE), ended.output


class Counting(Client):
    """A client that records its requests."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.requests: list[tuple[str, str, dict[str, str]]] = []

    async def call(self, method: str, path: str, **named: Any) -> ClientAnswer:
        self.requests.append((method, path, dict(named.get("params") or {})))
        return await super().call(method, path, **named)


async def test_decisions_are_read_by_their_batch_and_not_through_the_whole_history(
    running_gateway: RunningGateway,
) -> None:
    """RCP-007: however many receipts there are already, those of a batch take one page."""
    async with aiohttp.ClientSession() as session:
        environ = running_gateway.shell.environ
        client = Counting(
            session,
            running_gateway.gateway.url,
            client_id=environ["PASSERELLE_CLIENT_ID"],
            client_secret=environ["PASSERELLE_CLIENT_SECRET"],
        )
        offers = good(420)
        for start in range(0, 400, 100):
            await send(client, offers[start : start + 100])
        client.requests.clear()
        tally = DocumentTally()
        documents, answer = await send(client, offers[400:])
        assert tally.take(documents, answer)
        await tally.follow(client)
    assert {"accepted": 20, "pending": 0} == dict(tally.outcomes)
    lists = [params for method, path, params in client.requests if path == "/v1/receipts"]
    assert {answer.body["batch"]} == {params["batch"] for params in lists}


async def send(client: Client, offers: Sequence[GeneratedOffer]) -> tuple[list[FileDocument], ClientAnswer]:
    documents = [FileDocument(number, offer.raw) for number, offer in enumerate(offers, 1)]
    body = b"\n".join(document.line for document in documents)
    return documents, await client.call(
        "POST", "/v1/offers/batch", body=body, media_type="application/x-ndjson", params={"partial": "true"}
    )


def test_documents_beyond_the_results_are_followed_by_their_offer() -> None:
    """PUB-016: an answer names the receipts of the first items only; the others are found by their offers."""
    documents = [FileDocument(number, b'{"id":"bretagne:%d"}' % number) for number in (1, 2, 3)]
    body: dict[str, Any] = {
        "results": [{"index": 0, "id": "bretagne:1", "status": "queued", "receipt": "r1"}],
        "statuses": "qrq",
        "rules": {"not-in-list": 1},
        "warnings": {},
        "omitted": {"items": 1, "from": 1},
        "snapshot": "sAAAAAAAAAAAAAAAA",
    }
    tally = DocumentTally()
    assert tally.take(documents, ClientAnswer(202, body))
    [upload] = tally._uploads
    assert (2, 1) == (upload.left, tally.left_out)
    decided = {"receipt": "r3", "publisher": "bretagne", "id": "bretagne:3", "verdict": "accepted", "problems": []}
    tally._decide(upload, {**decided, "publisher": "gateway"})
    assert 2 == upload.left, "the gateway's own withdrawal decides no document"
    tally._decide(upload, decided)
    tally._decide(upload, decided)
    problem = {"code": "older-revision", "severity": "error", "pointer": "", "message": "m", "fix": "f"}
    tally._decide(upload, {**decided, "receipt": "r1", "id": "bretagne:1", "verdict": "stale", "problems": [problem]})
    assert {"accepted": 1, "stale": 1, "refused": 1, "pending": 0} == dict(tally.outcomes)
    assert {"not-in-list": 1, "older-revision": 1} == dict(tally.rules)


def test_an_answer_that_is_not_of_the_gateway_is_refused() -> None:
    """A proxy's page, or the answer to something else."""
    bodies: tuple[object, ...] = (None, [], {}, {"statuses": "q", "results": []}, {"statuses": 3})
    for body in bodies:
        assert not DocumentTally().take([], ClientAnswer(200, body))
