"""A federation of two platforms with offers, refusals, runs and deliveries; one of them has the session."""

import re
from dataclasses import replace
from datetime import date
from typing import Any

import schemas
from demo.generator import generate
from gateway.protocol.delivery import Delivery, DeliveryPart, delivery_record
from gateway.protocol.identity import partition_of
from gateway.protocol.partner import Partner
from gateway.protocol.refused_document import RefusedDocument
from gateway.protocol.source_run import Failure, SourceRun, run_record
from gateway.protocol.statistics import BROKEN, UNBROKEN, Cell, CountRecord, count_record
from gateway.protocol.topic import DELIVERIES, RUNS, STATISTICS
from tests.harness import SECONDS
from tests.pages.signing import OPERATOR, SIGNED
from tests.pages.site import PageHarness

OTHER = Partner(platform="normandie", name="Normandie canari", scopes=SIGNED.scopes)
CANARY = "canari"
"""In every text of the other platform that could be displayed."""
OTHERS_COUNT = 97_731
"""Of whatever the other platform has counted: no token has these digits by chance."""
OTHERS_COUNT_DISPLAYED = re.compile(r"97\W?731")
HTML = {"Accept": "text/html"}


def offers(site: PageHarness, platform: str, count: int) -> list[dict[str, Any]]:
    """Offers of a platform; the other's have the canary in every text."""
    found = [dict(one.document) for one in generate(5, platform, count, date.fromisoformat(_today(site)), wrong=0)]
    if platform == OTHER.platform:
        for number, one in enumerate(found):
            one["id"] = f"{platform}:{CANARY}-{number}"
            one["title"] = one["description"] = f"{CANARY} {number}"
            one["employer"] = {**one["employer"], "name": f"{CANARY} {number}"}
    return found


async def seed(site: PageHarness, count: int = 8) -> list[str]:
    """Fill the federation; returns the ids of the offers of ``SIGNED``, of which the first was sent twice."""
    federation = site.harness.federation
    await federation.partners.save(OTHER)
    own = offers(site, SIGNED.platform, count)
    await publish(site, SIGNED.platform, own)
    await publish(site, SIGNED.platform, [{**own[0], "revision": 2, "title": "Un titre d’après"}])
    await publish(site, OTHER.platform, offers(site, OTHER.platform, count))
    ids = [str(one["id"]) for one in own]
    await _append_past(site, SIGNED.platform, ids, words="")
    await _append_past(site, OTHER.platform, [f"{OTHER.platform}:{CANARY}-{n}" for n in range(4)], words=CANARY)
    await moderate(site, f"{OTHER.platform}:{CANARY}-5", "moderate", f"Motif {CANARY}")
    await settled(site)
    return ids


async def settled(site: PageHarness) -> None:
    """Wait until the views have all that is on the log."""
    federation = site.harness.federation
    for topic, view in federation.views.items():
        assert await view.reached(await federation.log.ends(topic), SECONDS)


async def moderate(site: PageHarness, offer_id: str, action: str, reason: str | None = None) -> None:
    """As the operator; decided."""
    document = {"action": action} | ({} if reason is None else {"reason": reason})
    headers = {"Authorization": f"Bearer {OPERATOR.platform}", "Prefer": "wait=20"}
    answer = await site.client.post(f"/v1/offers/{offer_id}/moderation", json=document, headers=headers)
    assert answer.status < 300, await answer.text()


async def publish(site: PageHarness, platform: str, documents: list[dict[str, Any]]) -> None:
    """One batch, decided."""
    headers = {"Authorization": f"Bearer {platform}", "Prefer": "wait=20"}
    answer = await site.client.post("/v1/offers/batch", json=documents, headers=headers)
    body = await answer.json()
    assert 200 == answer.status, body


async def _append_past(site: PageHarness, platform: str, ids: list[str], *, words: str) -> None:
    now, today = site.harness.federation.clock(), _today(site)
    number = OTHERS_COUNT if words else 12
    rule = "week-unreal" if words else "week-malformed"
    counts = {
        Cell(today, platform, "refused", rule, ""): number,
        Cell(today, platform, "refused", BROKEN, ""): number,
        Cell(today, platform, "accepted", UNBROKEN, ""): number,
    }
    named = RefusedDocument(platform=platform, at=now, id=f"{platform}:refused-{words}", fields={rule: "/weeks/0"})
    records = [(STATISTICS, count_record(CountRecord(f"past {platform}", 1, counts, (named,))))]
    problem = schemas.problem("employer-undescribed").to_json()
    problem["message"] = {"fr": f"Sans description {words}.", "en": f"Without a description {words}."}
    for offer_id, state in zip(ids, ("delivered", "refused", "pending", "not-deliverable"), strict=False):
        part = DeliveryPart(group="lycee", generation=1, account="a", state=state, since=now, problems=(problem,))
        if state == "delivered":
            part = replace(part, remote_id=f"site-{words or 1}", delivered_at=now, visible=True, problems=())
        records.append((DELIVERIES, delivery_record(Delivery(id=offer_id, sequence=1, parts=(part,)))))
    failure = Failure(at=now, code="feed-denied", fr=f"Refusé {words}.", en=f"Denied {words}.")
    run = SourceRun(platform=platform, started_at=now, ended_at=now, outcome="failed", last_error=failure)
    records.append((RUNS, run_record(run)))
    log = site.harness.federation.log
    for topic, record in records:
        assert record.key is not None
        await log.append(topic, partition_of(record.key.decode(), log.partitions), [record])


def _today(site: PageHarness) -> str:
    return site.harness.federation.clock.today.isoformat()  # type: ignore[attr-defined,no-any-return]  # the tests' own clock
