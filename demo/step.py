"""Steps of the scenario: latency of one offer from end to end, negative scenarios, and polling of external systems."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus

import orjson

from demo.channel import Pulled, SnapshotChannel
from demo.federation import DemoFederation
from demo.locality import localities_in
from demo.region import RegionSystems
from demo.region_site.simulator import FeedFault
from demo.traffic import ChangeSet

_FROM, _TO, _WHERE = "bourgogne-franche-comte", "bretagne", "35"
"""Publisher, subscriber, and the offer's department (INSEE code)."""
_WITHIN = 60.0
_POLL_SECONDS = 0.002
_CUT, _HALVED, _INTRUDER = "bretagne", "ile-de-france", "bourgogne-franche-comte"
_GUARDED = 24
"""Number of offers from which half an export exceeds the withdrawal guard (SNP: 20 %, at least 10)."""
_DUTY = 4
"""A poll takes at most this fraction, one in four, of the time."""


@dataclass(frozen=True, slots=True)
class DemoAttempt:
    """An attempt with its answer, as a sentence, and whether the gateway stopped it."""

    sentence: str
    stopped: bool


async def follow_one(federation: DemoFederation) -> Sequence[str]:
    """Publish, change and withdraw an offer in another Region; returns a sentence with the latencies of each. Raises
    TimeoutError.
    """
    source, reader = federation.region(_FROM), federation.region(_TO)
    offer_id, on = f"{_FROM}:suivie", federation.today()
    locality = localities_in({_WHERE})[0]
    model = next(source.documents[one] for one in source.live if "seconde" in source.documents[one]["levels"])
    document = {
        **model,
        "id": offer_id,
        "revision": 1,
        "title": f"Une offre suivie de bout en bout, à {locality.city}",
        "location": {"postal_code": locality.postal_code, "city": locality.city},
    }
    steps: Sequence[tuple[str, Callable[[], ChangeSet]]] = (
        ("published", lambda: source.publish([document], on)),
        ("changed", lambda: source.update(on, [offer_id])),
        ("withdrawn", lambda: source.withdraw([offer_id])),
    )
    return [await _timed(what, step(), federation, source, reader, offer_id) for what, step in steps]


async def _timed(
    what: str,
    changes: ChangeSet,
    federation: DemoFederation,
    source: RegionSystems,
    reader: RegionSystems,
    offer_id: str,
) -> str:
    title = source.documents.get(offer_id, {}).get("title")

    def at_site() -> str | None:
        row = federation.site.simulator.row(offer_id)
        return row.title if row is not None and row.kept else None

    near, far, _ = await asyncio.gather(
        _seconds(lambda: reader.held.get(offer_id) == title),
        _seconds(lambda: at_site() == title),
        source.channel.send(changes),
    )
    return (
        f"{what.capitalize()} by {source.name}: {'gone from' if title is None else 'seen by'} {reader.name} after "
        f"{near * 1000:.0f} ms, {'gone from' if title is None else 'at'} the national site after {far:.1f} s."
    )


async def _seconds(condition: Callable[[], bool]) -> float:
    """Poll until the condition holds; returns the elapsed seconds. Raises TimeoutError."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with asyncio.timeout(_WITHIN):
        while not condition():  # noqa: ASYNC110 - an external system sets no event
            await asyncio.sleep(_POLL_SECONDS)
    return loop.time() - began


async def run_negative_scenarios(federation: DemoFederation) -> Sequence[DemoAttempt]:
    """Run all negative scenarios. Raises ClientError, ChannelError."""
    attempts = [await _cut(federation), await _halve(federation), await _intrude(federation)]
    return [attempt for attempt in attempts if attempt is not None]


async def _cut(federation: DemoFederation) -> DemoAttempt | None:
    region = federation.region(_CUT)
    if not isinstance(region.channel, Pulled):
        return None
    region.platform.fault = FeedFault.CUT
    run = await region.channel.fetch()
    region.platform.fault = None
    reason = run.last_error.en.partition(". ")[0] if run.last_error else "?"
    return DemoAttempt(
        f"{region.name}'s feed is cut in the middle: nothing changes. “{reason}.”", run.outcome == "failed"
    )


async def _halve(federation: DemoFederation) -> DemoAttempt | None:
    region = federation.region(_HALVED)
    documents = list(region.documents.values())
    if not isinstance(region.channel, SnapshotChannel) or len(documents) < _GUARDED:
        return None
    answer = await region.channel.send_set(documents[: len(documents) // 2])
    would = answer.body.get("would_withdraw") if isinstance(answer.body, dict) else None
    return DemoAttempt(
        f"{region.name} sends half an export: it would withdraw {would} offers, and is stopped.",
        answer.status == HTTPStatus.CONFLICT and would is not None,
    )


async def _intrude(federation: DemoFederation) -> DemoAttempt:
    intruder, victim = federation.region(_INTRUDER), federation.region(_CUT)
    offer_id = victim.live[0]
    body = orjson.dumps({**victim.documents[offer_id], "revision": 99, "title": "Une autre offre"})
    answer = await intruder.client.call("PUT", f"/v1/offers/{offer_id}", body=body)
    return DemoAttempt(
        f"{intruder.name} writes under {victim.name}'s name: refused ({answer.status}).",
        answer.status == HTTPStatus.FORBIDDEN,
    )


async def pause_between_polls(every: float, *, since: float) -> None:
    """Pause between two polls: ``every`` seconds, longer after a slow poll, which began at ``since`` (loop time)."""
    took = asyncio.get_running_loop().time() - since
    await asyncio.sleep(max(every, (_DUTY - 1) * took))


async def poll_until_count(
    count: Callable[[], int], goal: int, *, every: float, patience: float, broken: Sequence[str] = ()
) -> bool:
    """Poll a count every ``every`` seconds until it reaches the goal. Returns False when it has not grown for
    ``patience`` seconds, or when ``broken`` is not empty.
    """
    loop = asyncio.get_running_loop()
    number, since = count(), loop.time()
    while number < goal:
        if broken or loop.time() - since > patience:
            return False
        await asyncio.sleep(every)
        before, number = number, count()
        since = since if number == before else loop.time()
    return True
