"""The digest of a reader's copy over HTTP, built and kept, against the whole changes feed read by the same client.

The view is filled directly; API and client share one process and event loop, whose processor time counts.
"""

import os
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from itertools import islice
from urllib.parse import quote

from bench.home import fill, new_federation, serve_here
from bench.row import Row, times
from bench.views import PLATFORMS, offers
from demo.client import Client
from gateway import clock
from gateway.federation import Federation
from gateway.log.port import Chunk
from gateway.partners.credential import mint_secret
from gateway.protocol.identity import partition_of
from gateway.protocol.partner import Partner
from gateway.protocol.record import StoredRecord, offer_record
from gateway.runtime.loop import bound_collections

_BUILT_BAR_MS, _KEPT_BAR_MS = 1_000, 50
_PLATFORM = "hauts-de-france"
_CHANGES = 100
_ROUNDS = 3


async def measure(count: int) -> AsyncIterator[Row]:
    """The first request of a reader under a filter; then one with nothing new, and one after some changes."""
    async with AsyncExitStack() as stack:
        settings, federation = await new_federation(stack)
        secret = mint_secret(now=clock.now(), entropy=os.urandom)
        partner = Partner(platform=_PLATFORM, name="x", scopes=frozenset({"offers:read"}), secrets=(secret.kept,))
        await federation.partners.save(partner)
        await fill(federation, count)
        bound_collections()
        session, url = await serve_here(stack, settings, federation, lambda *_: None)
        client = Client(session, url, client_id=_PLATFORM, client_secret=secret.text)
        taken: dict[str, list[float]] = {"feed": [], "built": [], "kept": [], "kept, changed": []}
        for number in range(_ROUNDS):
            begun, cursor, more = time.process_time(), "", True
            query = f"platform={','.join(PLATFORMS)},x{number}"  # another filter that finds the same offers
            while more:
                cursor, more = await _page(client, f"/v1/changes?{query}&limit=1000{cursor}")
            taken["feed"].append(time.process_time() - begun)
            for name in ("built", "kept", "kept, changed"):
                if name == "kept, changed":
                    await _change(federation, number)
                begun = time.process_time()
                cursor, more = await _page(client, f"/v1/changes/digest?{query}&limit=1000{cursor}")
                taken[name].append(time.process_time() - begun)
                assert not more, "a page is left"
        feed = statistics.median(taken["feed"])
        for name, bar in (("built", _BUILT_BAR_MS), ("kept", _KEPT_BAR_MS), ("kept, changed", _KEPT_BAR_MS)):
            spent = statistics.median(taken[name])
            what = f"digest {name}, {count:,} offers" + (f", {_CHANGES} of them" if name == "kept, changed" else "")
            met = spent * 1_000 <= bar
            yield Row(what, f"{spent * 1_000:.0f} ms", f"{times(spent, feed)} whole feed read", f"≤ {bar} ms", met)


async def _page(client: Client, path: str) -> tuple[str, bool]:
    """The cursor after a page, as a parameter, and whether more is left."""
    answer = await client.call("GET", path)
    assert answer.ok, answer
    return f"&cursor={quote(answer.body['cursor'])}", answer.body["more"]


async def _change(federation: Federation, number: int) -> None:
    """Change some offers."""
    view = federation.offers
    lanes: Sequence[list[StoredRecord]] = [[] for _ in view.positions]
    for state in islice(offers(10_000), number * _CHANGES, (number + 1) * _CHANGES):
        partition, sequence = partition_of(state.id, len(lanes)), state.known.sequence + 10_000_000
        record = offer_record(replace(state, known=replace(state.known, sequence=sequence)))
        offset = view.positions[partition] + len(lanes[partition])
        lanes[partition].append(StoredRecord(offset, sequence, record.key, record.value, record.headers))
    ends = [begin + len(lane) for begin, lane in zip(view.positions, lanes, strict=True)]
    await view.apply([Chunk("offers", p, lane, ends[p]) for p, lane in enumerate(lanes)])
