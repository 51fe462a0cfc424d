"""Negative scenarios that must not change the federation: a truncated feed, half an export, a foreign offer id."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

import orjson

from gateway.demo.channel import Pulled, Snapshots
from gateway.demo.federation import Federation
from gateway.demo.region_site.fault import Fault

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
