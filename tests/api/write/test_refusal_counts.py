"""What a 422 counts: its platform, its rules and its department; of a few the id and the fields at fault, and nothing
else of the content is kept (PUB-003).
"""

from pathlib import Path
from typing import Any

import orjson
import pytest
from prometheus_client import generate_latest
from structlog.testing import capture_logs

from gateway.protocol.refused_document import MAX_OF_RULE
from gateway.protocol.statistics import Dimension
from gateway.protocol.topic import COMMON, STATISTICS
from gateway.store.refused_documents import RefusedFilter
from tests.api.write.gateway_harness import GatewayHarness, ndjson, offer

pytestmark = pytest.mark.slow

CANARY = "Kanarienvogel"
WRONG: dict[str, Any] = {"title": "", "sector": "none"}


async def counts(gateway: GatewayHarness, *by: Dimension) -> list[tuple[Any, ...]]:
    """The counts of all platforms, after what the process has counted is on the log and in the view."""
    await gateway.context.federation.refusals.flush()
    assert await gateway.context.federation.statistics.reached(await gateway.log.ends(STATISTICS), 10)
    day = gateway.clock.today
    found = await gateway.context.federation.statistics.counts(day, day, by=by)
    return [(*(getattr(one, name) for name in by), one.number) for one in found]


async def test_a_refused_offer_counts_once_and_under_each_rule_that_it_breaks(gateway: GatewayHarness) -> None:
    answers = [await gateway.put(offer(1, **WRONG)), await gateway.put(offer(2, **WRONG, weeks=[]))]
    assert [422, 422] == [one.status for one in answers]
    broken = {problem["code"] for one in answers for problem in one.body["problems"] if problem["severity"] == "error"}
    assert [("bretagne", "refused", "35", 2)] == await counts(gateway, "platform", "verdict", "department")
    assert broken == {rule for rule, _ in await counts(gateway, "rule")}
    assert len(broken) >= 3
    samples = gateway.metrics.registry.collect()
    counted = {s.labels["rule"]: s.value for f in samples for s in f.samples if s.name == "passerelle_refusals_total"}
    assert dict(await counts(gateway, "rule")) == counted


async def test_an_offer_under_another_id_counts_under_that_rule(gateway: GatewayHarness) -> None:
    assert 422 == (await gateway.ask("PUT", "/v1/offers/bretagne:2", json=offer(1))).status
    assert [("refused", "id-mismatch", 1)] == await counts(gateway, "verdict", "rule")


@pytest.mark.parametrize(
    ("location", "department"),
    [
        ({"postal_code": "20000", "city": "Ajaccio"}, "2A"),
        ({"postal_code": "97400"}, "974"),
        ({"insee_commune": "2B033"}, "2B"),
        ({"postal_code": "00000"}, None),
        ({"postal_code": "99999"}, None),
        ({"insee_commune": "99999", "postal_code": "35000"}, "35"),
        ({"postal_code": 35000}, None),
        ({"postal_code": "３５０００"}, None),
        ({"postal_code": "35000\n"}, None),
        ("35000", None),
        (None, None),
    ],
)
async def test_the_department_is_that_which_the_refused_text_names(
    gateway: GatewayHarness, location: Any, department: str | None
) -> None:
    assert 422 == (await gateway.put(offer(1, location=location, title=""))).status
    assert [(department, 1)] == await counts(gateway, "department")


async def test_what_is_no_document_counts_too(gateway: GatewayHarness) -> None:
    answer = await gateway.ask("PUT", "/v1/offers/bretagne:1", body=b"{", headers={"Content-Type": "application/json"})
    assert 422 == answer.status
    assert [("refused", None, 1)] == await counts(gateway, "verdict", "department")


async def test_refused_items_count_and_those_that_are_not_queued_for_them_do_not(gateway: GatewayHarness) -> None:
    lines = [offer(1), offer(2, **WRONG), offer(3, **WRONG, location={"postal_code": "22000", "city": "Saint-Brieuc"})]
    assert 422 == (await gateway.batch(b"\n".join(map(_json, lines)))).status
    assert [("22", 1), ("35", 1)] == await counts(gateway, "department")
    assert 207 == (await gateway.batch(b"\n".join(map(_json, lines)), query="?partial=true")).status
    assert [("22", 2), ("35", 2)] == await counts(gateway, "department")


async def test_refused_items_of_a_snapshot_count_when_it_is_applied(gateway: GatewayHarness) -> None:
    refused = await gateway.snapshot(await gateway.mark(), offer(1), offer(2, **WRONG), count=7)
    assert 422 == refused.status
    assert [] == await counts(gateway, "verdict")
    assert 202 == (await gateway.snapshot(await gateway.mark(), offer(1), offer(2, **WRONG))).status
    assert [("refused", 1)] == await counts(gateway, "verdict")


async def test_dry_runs_and_answers_that_are_repeated_count_nothing(gateway: GatewayHarness) -> None:
    assert 422 == (await gateway.put(offer(1, **WRONG), query="?dry_run=true")).status
    assert 422 == (await gateway.batch(_json(offer(1, **WRONG)), query="?dry_run=true")).status
    assert [] == await counts(gateway, "verdict")
    for _ in range(2):
        headers = {"Idempotency-Key": "once"}
        assert 422 == (await gateway.batch(_json(offer(1, **WRONG)), headers=headers)).status
    assert [("refused", 1)] == await counts(gateway, "verdict")


async def test_a_log_that_is_away_keeps_no_refusal_from_counting(gateway: GatewayHarness) -> None:
    gateway.log.refusing.add(STATISTICS)
    assert 422 == (await gateway.put(offer(1, **WRONG))).status
    with pytest.raises(Exception, match="refused by the test"):
        await gateway.context.federation.refusals.flush()
    assert 422 == (await gateway.put(offer(2, **WRONG))).status
    gateway.log.refusing.clear()
    assert [("refused", 2)] == await counts(gateway, "verdict")


async def test_a_refused_content_is_in_no_topic_no_file_and_no_log(gateway: GatewayHarness, tmp_path: Path) -> None:
    wrong = offer(1, title=CANARY * 200, description=f"<b>{CANARY}</b>", unknown=CANARY)
    wrong["employer"] = {"name": CANARY, CANARY: CANARY}
    wrong["location"] = {"postal_code": "35000", "city": CANARY, "insee_commune": CANARY}
    wrong |= {CANARY: 1, "extensions": {CANARY: {CANARY: "a" * 40_000}}, "apply_url": f"https://{CANARY}"}
    foreign = {**wrong, "id": f"normandie:{CANARY}"}
    unreadable = {**wrong, "id": f"{CANARY} {CANARY}"}
    with capture_logs() as logged:
        assert 422 == (await gateway.put(wrong)).status
        for one in (wrong, foreign, unreadable):
            assert 422 == (await gateway.batch(_json(one))).status
        assert [("35", 4)] == await counts(gateway, "department")
    assert CANARY not in str(logged)
    assert CANARY.encode() not in generate_latest(gateway.metrics.registry)
    for topic in COMMON:
        for record in await gateway.records(topic.name):
            assert CANARY.encode() not in (record.key or b"") + (record.value or b"")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "statistics.sqlite" for path in files)
    assert [] == [path for path in files if CANARY.encode() in path.read_bytes()]


async def test_a_partner_that_fills_the_topic_reaches_its_bound(gateway: GatewayHarness) -> None:
    """Any number of refusals costs one record a minute of at most so many cells (MAX_CELLS)."""
    lines = [offer(n, **WRONG, location={"postal_code": f"{n % 95 + 1:02}000"}, weeks=[f"w{n}"]) for n in range(600)]
    assert 422 == (await gateway.batch(b"\n".join(map(_json, lines)))).status
    assert [("refused", 600)] == await counts(gateway, "verdict")
    [record] = await gateway.records(STATISTICS)
    assert len(record.value or b"") < 40_000


async def named(gateway: GatewayHarness) -> list[tuple[Any, ...]]:
    """The documents that are named, by id or index, with the field of each rule, after the counts are in the view."""
    await counts(gateway, "rule")
    day = gateway.clock.today
    found = await gateway.context.federation.statistics.refused(RefusedFilter(first=day, last=day), most=100)
    return [(one.platform, one.id or one.index, dict(one.fields)) for one in found]


async def test_a_refused_offer_is_named_with_the_fields_at_fault(gateway: GatewayHarness) -> None:
    """PUB-003: the id under which it was sent, and by rule the first field that breaks it."""
    assert 422 == (await gateway.put(offer(1, title=" ", sector="none", weeks=["2027-W24", "2027-W9"]))).status
    assert 422 == (await gateway.ask("PUT", "/v1/offers/bretagne:2", json=offer(1))).status
    first = {"not-in-list": "/sector", "text-blank": "/title", "week-malformed": "/weeks/1"}
    expected = [("bretagne", "bretagne:1", first), ("bretagne", "bretagne:2", {"id-mismatch": "/id"})]
    assert expected == await named(gateway)


async def test_refused_items_are_named_by_id_or_by_their_index(gateway: GatewayHarness) -> None:
    """PUB-003: an id of another platform is not kept, nor one that is none."""
    wrong = [offer(1), offer(2, title=""), offer("a b"), offer(3, platform="normandie")]
    assert 422 == (await gateway.batch(b"\n".join(map(_json, wrong)))).status
    found = await named(gateway)
    assert [2, 3, "bretagne:2"] == [name for _, name, _ in found]
    assert {"not-owner": "/id"} == found[1][2]
    assert {"text-blank": "/title"} == found[2][2]


async def test_a_platform_that_is_refused_much_leaves_room_for_the_others(gateway: GatewayHarness) -> None:
    lines = [offer(n, **WRONG) for n in range(300)]
    assert 422 == (await gateway.batch(b"\n".join(map(_json, lines)))).status
    other = offer(1, platform="normandie", **WRONG)
    assert 422 == (await gateway.put(other, who="normandie")).status
    found = await named(gateway)
    assert ["bretagne"] * MAX_OF_RULE + ["normandie"] == sorted(platform for platform, _, _ in found)


async def test_dry_runs_name_nothing(gateway: GatewayHarness) -> None:
    assert 422 == (await gateway.put(offer(1, **WRONG), query="?dry_run=true")).status
    assert 422 == (await gateway.batch(_json(offer(1, **WRONG)), query="?dry_run=true")).status
    assert [] == await named(gateway)


def _json(document: Any) -> bytes:
    return orjson.dumps(document)


async def test_four_offers_that_are_refused_again_and_again_are_four(gateway: GatewayHarness) -> None:
    """By PUT, in batches and as items of an upload without an id of their own."""
    for _ in range(3):
        assert 422 == (await gateway.put(offer(1, **WRONG))).status
        lines = [offer(1, **WRONG), offer(2, **WRONG), {**offer(3, **WRONG), "id": 7}, "no offer"]
        await gateway.batch(ndjson(*lines))
    await counts(gateway)
    day = gateway.clock.today
    [found] = await gateway.context.federation.statistics.counts(day, day, by=["verdict"])
    assert ("refused", 15, 4) == (found.verdict, found.number, found.offers)
    answer = await gateway.ask("GET", "/v1/statistics?group=verdict")
    assert [{"verdict": "refused", "count": 15, "offers": 4}] == answer.body["statistics"]
    text = (await gateway.ask("GET", "/v1/statistics?group=verdict", headers={"Accept": "text/csv"})).raw.decode(
        "utf-8-sig"
    )
    assert ["verdict;count;offers;more_offers", "refused;15;4;"] == text.splitlines()
    [record] = {one.value for one in await gateway.records(STATISTICS) if one.value and b"offers" in one.value}
    assert b"bretagne:2" not in orjson.dumps(orjson.loads(record)["offers"])
