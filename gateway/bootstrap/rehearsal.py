"""A dry run of a stranger's feed: fetched, read and judged as a run of a partner's feed, and not published."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import schemas
from adapters.formats.mapping import FeedMapping
from adapters.formats.reading import read_pages
from adapters.profile.profile import Profile, explain_profile, read_profile
from adapters.pull.lanes import Lanes
from adapters.pull.pages import PagedFeed, fetch_pages
from adapters.pull.sample import SampleEvaluation, evaluate_items
from adapters.pull.transport_factory import Secrets, TransportFactory
from adapters.transport.feed import MEGABYTE, FeedError, FetchLimits, Unchanged
from gateway.clock import Clock
from gateway.federation import Federation
from gateway.operate.releases import ReleaseBook
from gateway.protocol.join_request import DryRun, Rehearse, Trial
from gateway.protocol.paris_time import paris_date
from gateway.settings import Settings
from schemas.rulebook import LANGUAGES

EXAMPLES = 10


def rehearsals(settings: Settings, releases: ReleaseBook, clock: Clock) -> Rehearse:
    """Dry runs as these settings allow them."""
    return Rehearsal(
        settings.data / "pull",
        activations=lambda: releases.activations,
        loopback=bool(settings.loopback_feeds),
        clock=clock,
    ).run


def with_rehearsals(federation: Federation, settings: Settings) -> Federation:
    """The federation of a gateway that fetches feeds."""
    return replace(federation, rehearse=rehearsals(settings, federation.releases, federation.clock))


class Rehearsal:
    """Dry runs, one at a time. ``folder`` stores a feed while it is read; ``activations``: the days from which releases
    of the schema hold. A profile of a request has no secrets.
    """

    def __init__(
        self, folder: Path, *, activations: Callable[[], schemas.Activations], loopback: bool, clock: Clock
    ) -> None:
        self._folder = folder
        self._activations = activations
        self._loopback = loopback
        self._clock = clock
        self._transports = TransportFactory(secrets=Secrets({}), loopback=loopback)
        self._lanes = Lanes()
        self._one = asyncio.Lock()

    async def run(self, document: Mapping[str, Any]) -> DryRun:
        """The dry run of a profile's document."""
        profile = read_profile(dict(document), loopback=self._loopback)
        if not isinstance(profile, Profile):
            texts = explain_profile(profile)
            failure = {language: texts[language] for language in LANGUAGES}
            return DryRun(trial=Trial(at=self._clock(), failure=profile[0].code), failure=failure)
        async with self._one:
            try:
                return await self._run(profile)
            except FeedError as error:
                failure = {language: error.words(language) for language in LANGUAGES}
                return DryRun(trial=Trial(at=self._clock(), failure=error.code), failure=failure)

    async def _run(self, profile: Profile) -> DryRun:
        mapping = profile.mapping
        if mapping is None:
            raise ValueError("a request has a feed")
        self._folder.mkdir(parents=True, exist_ok=True)
        limits = FetchLimits(folder=self._folder, most_bytes=profile.most_megabytes * MEGABYTE)
        transport = self._transports.transport(profile)
        paged = await self._lanes.fetch(profile.platform, fetch_pages(transport, {}, limits, mapping))
        if isinstance(paged, Unchanged):
            raise FeedError("feed-cut")
        try:
            found = await asyncio.to_thread(partial(self._evaluate, profile.platform, mapping, paged))
        finally:
            paged.feed.close()
        return self._dry_run(found)

    def _evaluate(self, platform: str, mapping: FeedMapping, paged: PagedFeed) -> SampleEvaluation:
        now = self._clock()
        on = date.fromisoformat(paris_date(now))
        items = read_pages(paged.pages(), mapping, platform=platform, on=on, steady=paged.steady)
        return evaluate_items(items, revision=now, on=on, activations=self._activations(), examples=EXAMPLES)

    def _dry_run(self, found: SampleEvaluation) -> DryRun:
        rules: Counter[str] = Counter()
        for one in found.problems:
            if one["severity"] == "error" and one["position"]:
                rules[one["code"]] += one["count"]
        failure = None
        if found.unusable:
            body = found.unusable[0].to_json()
            failure = {language: f"{body['message'][language]} {body['fix'][language]}" for language in LANGUAGES}
        trial = Trial(
            at=self._clock(),
            counts=replace(found.counts, unchanged=0),
            rules=dict(rules),
            failure=found.unusable[0].code if found.unusable else None,
            departments=sorted(found.departments),
            hosts=sorted(found.hosts),
        )
        return DryRun(trial=trial, problems=found.problems, offers=found.offers, failure=failure)
