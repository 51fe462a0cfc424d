"""The child process of the public pages: what visitors send is judged here, in a sandbox (``gateway.runtime.sandbox``).

A function takes the bytes and the arguments of a call, and returns what the page shows. ``python -m`` runs it.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

import schemas
from adapters.formats.mapping import Elements, JsonLines, Objects, Rows, Source
from adapters.formats.reading import MISFITS
from adapters.national.mapping.deliverability import (
    Deliverability,
    DeliverableLater,
    DeliveryTerms,
    NotDeliverable,
    Past,
    Ready,
)
from adapters.national.mapping.mapping import levels_of_parts, map_offer
from adapters.profile.profile import Profile, profiles
from adapters.pull.sample import evaluate_sample
from gateway.bootstrap import connect_work
from gateway.pages.check.content import Syntax
from gateway.pages.check.port import FeedVerdict, KnownProfile, NationalPart
from gateway.pages.check.report import examine
from gateway.runtime.sandboxed import Function, serve

_REVISION = 1


def known_profiles() -> Sequence[KnownProfile]:
    """The packaged profiles with a feed."""
    return [
        KnownProfile(slug, profile.name, profile.format, _syntax(profile.mapping.source))
        for slug, profile in profiles().items()
        if profile.mapping is not None and profile.format is not None
    ]


def _syntax(source: Source) -> Syntax:
    match source:
        case Elements():
            return "xml"
        case Objects(linked=True):
            return "html"
        case Objects() | JsonLines():
            return "json"
        case Rows():
            return "csv"


class Judges:
    """The engine of the check: ``passerelle platform check`` for feeds, the connector's mapping for the site."""

    def __init__(self, activations: schemas.Activations = schemas.NOT_ACTIVATED) -> None:
        self.profiles = known_profiles()
        self.activations = activations

    def evaluate(self, slug: str, content: bytes, *, on: date, stop: Callable[[], bool]) -> FeedVerdict:
        """The verdict on a feed, computed in memory."""
        profile: Profile = profiles()[slug]
        if profile.mapping is None:
            raise AssertionError("a known profile has a feed")
        found = evaluate_sample(
            connect_work.in_blocks(content),
            profile.mapping,
            platform=slug,
            revision=_REVISION,
            on=on,
            activations=self.activations,
            in_memory=True,
            stop=stop,
        )
        return FeedVerdict(
            counts=asdict(found.counts),
            problems=found.problems,
            offers=found.offers,
            usable=not found.unusable,
            misfit=bool(found.unusable) and found.unusable[0].code in MISFITS,
            whole=found.whole,
        )

    def national(self, offer: Mapping[str, Any], *, on: date) -> Sequence[NationalPart]:
        """The parts of an accepted offer at the national site, by the terms of a platform without an account."""
        levels = dict(levels_of_parts(offer))
        parts = map_offer(offer, on=on, terms=DeliveryTerms())
        return [_part(part.deliverability, levels[part.suffix]) for part in parts]


def _part(deliverability: Deliverability, levels: Sequence[str]) -> NationalPart:
    match deliverability:
        case Ready():
            return NationalPart("ready", levels)
        case DeliverableLater(until):
            return NationalPart("waiting", levels, until.isoformat())
        case Past(refusals):
            return NationalPart("past", levels, None, [one.to_json() for one in refusals])
        case NotDeliverable(refusals):
            return NationalPart("refused", levels, None, [one.to_json() for one in refusals])


def check(content: bytes, arguments: Mapping[str, Any]) -> Any:
    """The report of the page "check an offer" (``gateway.pages.check.report``)."""
    began = time.process_time()
    return examine(
        content,
        choice=arguments["choice"],
        language=arguments["language"],
        on=date.fromisoformat(arguments["on"]),
        engine=Judges(connect_work.activations_in(arguments)),
        spent=lambda: time.process_time() - began,
    )


_REHEARSED = b"""<source><job id="1"><title>Stage</title><description>Texte</description><link>https://site.example/1</link>
<industry>Commerce</industry><company id="1"><name>A</name></company><workplace><locations><location label="Nulle-Part">
<city>Nulle-Part</city><postalCode>38990</postalCode></location></locations></workplace></job></source>"""
"""A feed whose reading needs every packaged file of the formats: the gazetteer takes a third of a second to read."""


def _rehearse() -> None:
    """Read the packaged files before the first call, whose time counts."""
    schemas.preload()
    judges = Judges()
    for profile in judges.profiles:
        judges.evaluate(profile.slug, _REHEARSED, on=date(2027, 3, 9), stop=lambda: False)
    connect_work.open_content(_REHEARSED, {"items": None, "on": "2027-03-09"})


FUNCTIONS: Mapping[str, Function] = {"check": check, **connect_work.FUNCTIONS}


def main() -> None:
    """Rehearse, then serve calls."""
    _rehearse()
    serve(FUNCTIONS)


if __name__ == "__main__":
    main()
