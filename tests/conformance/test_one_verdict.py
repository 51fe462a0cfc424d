"""One verdict everywhere: the same bytes get the same problems by HTTP, alone and in a batch, from the inbox, from the
command line and from the kit.
"""

import asyncio
import json
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypeAlias

import aiohttp
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import schemas
from conformance.cli.judge import judge_document
from conformance.clock import today
from conformance.model.case import CaseDocument
from conformance.model.library import base, cases
from conformance.model.result import Outcome
from conformance.script.body import document_of
from conformance.script.template import Names, fill
from conformance.target.setup import Setup
from conformance.target.wire import Wire
from gateway.cli.app import app
from gateway.ingest.inbox_message import judge_message
from gateway.protocol.record import TYPE_PUBLISHED, StoredRecord
from tests.conformance.gateway_fixture import running_gateway

pytestmark = pytest.mark.slow

Found: TypeAlias = tuple[bool, list[tuple[str, str]]]
ID = "bretagne:one-verdict"


def names(case: str = "one/verdict") -> Names:
    return Names(seed="s", case=case, day=today(), platforms={"publisher": "bretagne"})


def stated(problems: Sequence[Any]) -> list[tuple[str, str]]:
    """Code and pointer, in the order reported; without what the inbox or the address adds."""
    return [(each["code"], each["pointer"]) for each in problems]


def by_itself(raw: bytes) -> Found:
    verdict = schemas.check(raw, on=today())
    return verdict.accepted, stated([each.to_json() for each in verdict.problems])


async def over_http(wire: Wire, raw: bytes, offer_id: str) -> Found:
    headers = {"Content-Type": "application/json"}
    reply = await wire.call("PUT", f"/v1/offers/{offer_id}?dry_run=true", headers=headers, body=raw)
    assert reply.status in {200, 422}, reply
    return reply.status == 200, stated(reply.json["problems"])


async def in_a_batch(wire: Wire, raw: bytes) -> Found:
    headers = {"Content-Type": "application/x-ndjson"}
    reply = await wire.call("POST", "/v1/offers/batch?dry_run=true", headers=headers, body=raw + b"\n")
    [result] = reply.json["results"]
    return result["status"] == "valid", stated(result.get("problems", ()))


def from_the_inbox(raw: bytes, offer_id: str) -> Found:
    headers = (("ce_type", TYPE_PUBLISHED.encode()),)
    record = StoredRecord(offset=0, appended_at=0, key=offer_id.encode(), value=raw, headers=headers)
    judged = judge_message(record, platform="bretagne", may_publish=True, on=today())
    accepted = isinstance(judged, schemas.Verdict)
    return accepted, stated([each.to_json() for each in judged.problems])


def from_the_command(raws: Sequence[bytes], folder: Path) -> list[Found]:
    file = folder / "offers.ndjson"
    file.write_bytes(b"\n".join(raws))
    done = CliRunner().invoke(app, ["validate", str(file), "--json"])
    lines = [json.loads(line) for line in done.output.splitlines()]
    return [(line["verdict"] != "refused", stated(line["problems"])) for line in lines]


def from_the_kit(raw: bytes) -> bool:
    return judge_document(raw, 1, on=today()).outcome is Outcome.PASS


def sendable() -> list[tuple[str, bytes]]:
    """The documents of all cases about offers that are one line, with the id that they are sent under."""
    found = []
    for case in cases():
        subject = case.subject
        if isinstance(subject, CaseDocument) and subject.kind == "offer" and subject.live:
            raw = document_of(subject, names(case.id))
            # In a batch an object with the member `withdrawn` is a withdrawal, not an offer with an unknown member.
            if raw.strip() and b"\n" not in raw.strip() and b'"withdrawn"' not in raw:
                found.append((names(case.id)["id.a"], raw.strip()))
    return found


@pytest.mark.timeout(300)
async def test_every_case_gets_the_same_verdict_by_every_route(tmp_path: Path) -> None:
    documents = [
        (offer_id, raw) for offer_id, raw in sendable() if schemas.check(raw, on=today()).id in {None, offer_id}
    ]
    assert len(documents) > 400
    commanded = from_the_command([raw for _, raw in documents], tmp_path)
    async with running_gateway(tmp_path) as setup, aiohttp.ClientSession() as session:
        wire = Wire(session, setup.target, setup.accounts["publisher"], [])
        for (offer_id, raw), command in zip(documents, commanded, strict=True):
            expected = by_itself(raw)
            assert expected == await over_http(wire, raw, offer_id), raw
            assert expected == await in_a_batch(wire, raw), raw
            assert expected == from_the_inbox(raw, offer_id), raw
            assert expected == command, raw
            assert expected[0] == from_the_kit(raw), raw


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-10, 10_000)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
PATHS = st.sampled_from(
    [
        ("title",),
        ("levels",),
        ("weeks",),
        ("employer", "siret"),
        ("location", "postal_code"),
        ("location", "latitude"),
        ("seats",),
        ("apply_url",),
        ("schedule",),
        ("extensions",),
        ("expires_on",),
        ("stay_weeks",),
        ("restrictions",),
        ("couleur",),
    ]
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """The sound offer with up to three values replaced or removed."""
    document = json.loads(json.dumps(fill(base(), names())))
    document["id"] = ID
    for _ in range(draw(st.integers(0, 3))):
        *parents, name = draw(PATHS)
        parent = document[parents[0]] if parents else document
        if draw(st.booleans()):
            parent[name] = draw(VALUES)
        else:
            parent.pop(name, None)
    return orjson.dumps(document)


@pytest.mark.timeout(300)
def test_generated_offers_get_the_same_verdict_by_every_route(tmp_path: Path) -> None:
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()

        async def begin() -> Wire:
            setup: Setup = await stack.enter_async_context(running_gateway(tmp_path))
            session = await stack.enter_async_context(aiohttp.ClientSession())
            return Wire(session, setup.target, setup.accounts["publisher"], [])

        wire = runner.run(begin())

        @settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
        @given(damaged())
        def agree(raw: bytes) -> None:
            expected = by_itself(raw)
            assert expected == runner.run(over_http(wire, raw, ID))
            assert expected == runner.run(in_a_batch(wire, raw))
            assert expected == from_the_inbox(raw, ID)
            assert expected[0] == from_the_kit(raw)

        try:
            agree()
        finally:
            runner.run(stack.aclose())
