"""End-to-end latency of one offer: published, changed and withdrawn, at a subscriber and at the national site."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus

import orjson

from gateway.demo.channel import ChangeSet, Pulled, Snapshots
from gateway.demo.federation import Federation
from gateway.demo.locality import localities_in
from gateway.demo.region import Region
from gateway.demo.region_site.simulator import Fault

_DUTY = 4
"""A poll takes at most one part in so many of the time."""


async def pause_between_polls(every: float, *, since: float) -> None:
    """Pause between two polls: ``every`` seconds, longer after a slow poll, which began at ``since`` (loop time)."""
    took = asyncio.get_running_loop().time() - since
    await asyncio.sleep(max(every, (_DUTY - 1) * took))


async def poll_until_count(
    count: Callable[[], int], goal: int, *, every: float, patience: float, broken: Sequence[str] = ()
) -> bool:
    """Poll a count every so many seconds until it reaches the goal. Returns False when it has not grown for
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


async def poll_until(condition: Callable[[], bool], *, every: float) -> float:
    """Poll every so many seconds until the condition holds; returns the elapsed seconds."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while not condition():  # noqa: ASYNC110 - an external system sets no event
        await asyncio.sleep(every)
    return loop.time() - began


_FROM, _TO, _WHERE = "bourgogne-franche-comte", "bretagne", "35"
"""Publisher, subscriber, and the offer's department (INSEE code)."""
_WITHIN = 60.0
_POLL_SECONDS = 0.002


async def follow_one(world: Federation) -> Sequence[str]:
    """Publish, change and withdraw an offer in another Region; returns a sentence with the latencies of each. Raises
    TimeoutError.
    """
    source, reader = world.region(_FROM), world.region(_TO)
    offer_id = f"{_FROM}:suivie"
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
        ("published", lambda: source.publish([document])),
        ("changed", lambda: source.update([offer_id])),
        ("withdrawn", lambda: source.withdraw([offer_id])),
    )
    return [await _timed(what, step(), world, source, reader, offer_id) for what, step in steps]


async def _timed(what: str, news: ChangeSet, world: Federation, source: Region, reader: Region, offer_id: str) -> str:
    title = source.documents.get(offer_id, {}).get("title")

    def at_site() -> str | None:
        row = world.site.simulator.row(offer_id)
        return row.title if row is not None and row.kept else None

    near, far, _ = await asyncio.gather(
        _seconds(lambda: reader.held.get(offer_id) == title),
        _seconds(lambda: at_site() == title),
        source.way.tell(news),
    )
    return (
        f"{what.capitalize()} by {source.name}: {'gone from' if title is None else 'seen by'} {reader.name} after "
        f"{near * 1000:.0f} ms, {'gone from' if title is None else 'at'} the national site after {far:.1f} s."
    )


async def _seconds(condition: Callable[[], bool]) -> float:
    async with asyncio.timeout(_WITHIN):
        return await poll_until(condition, every=_POLL_SECONDS)


_CUT, _HALVED, _INTRUDER = "bretagne", "ile-de-france", "bourgogne-franche-comte"
_GUARDED = 24
"""From so many offers on, half an export exceeds the withdrawal guard (SNP: 20 %, at least 10)."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt with its answer, as a sentence, and whether the gateway stopped it."""

    sentence: str
    stopped: bool


async def run_negative_scenarios(world: Federation) -> Sequence[Attempt]:
    """Run all negative scenarios. Raises ClientError, ChannelError."""
    attempts = [await _cut(world), await _halve(world), await _intrude(world)]
    return [attempt for attempt in attempts if attempt is not None]


async def _cut(world: Federation) -> Attempt | None:
    region = world.region(_CUT)
    if not isinstance(region.way, Pulled):
        return None
    region.platform.fault = Fault.CUT
    run = await region.way.fetch()
    region.platform.fault = None
    reason = run.last_error.en.partition(". ")[0] if run.last_error else "?"
    return Attempt(f"{region.name}'s feed is cut in the middle: nothing changes. “{reason}.”", run.outcome == "failed")


async def _halve(world: Federation) -> Attempt | None:
    region = world.region(_HALVED)
    documents = list(region.documents.values())
    if not isinstance(region.way, Snapshots) or len(documents) < _GUARDED:
        return None
    answer = await region.way.send(documents[: len(documents) // 2])
    would = answer.body.get("would_withdraw") if isinstance(answer.body, dict) else None
    return Attempt(
        f"{region.name} sends half an export: it would withdraw {would} offers, and is stopped.",
        answer.status == HTTPStatus.CONFLICT and would is not None,
    )


async def _intrude(world: Federation) -> Attempt:
    intruder, victim = world.region(_INTRUDER), world.region(_CUT)
    offer_id = victim.live[0]
    body = orjson.dumps({**victim.documents[offer_id], "revision": 99, "title": "Une autre offre"})
    answer = await intruder.client.call("PUT", f"/v1/offers/{offer_id}", body=body)
    return Attempt(
        f"{intruder.name} writes under {victim.name}'s name: refused ({answer.status}).",
        answer.status == HTTPStatus.FORBIDDEN,
    )
