"""End-to-end latency of one offer: published, changed and withdrawn, at a subscriber and at the national site."""

import asyncio
from collections.abc import Callable, Sequence

from gateway.demo.channel import ChangeSet
from gateway.demo.federation import Federation
from gateway.demo.locality import localities_in
from gateway.demo.poll import poll_until
from gateway.demo.region import Region

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
