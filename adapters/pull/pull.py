"""One run of a feed: mark, fetch, read, apply as a complete snapshot; a failure changes nothing and has a reason."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import structlog

import schemas
from adapters.formats.mapping import FeedMapping
from adapters.formats.reading import read_pages
from adapters.profile.profile import Profile
from adapters.pull.collect import FeedCollector, FeedUpload, RejectedFeedError, hash_of
from adapters.pull.lanes import Lanes
from adapters.pull.pages import PagedFeed, fetch_pages
from adapters.pull.run import Beginning, FeedContent, applied, failed, is_fresh, partial, pending, refused, unchanged
from adapters.pull.transport_factory import TransportFactory
from adapters.transport.drop import memory_of
from adapters.transport.feed import MEGABYTE, Feed, FeedError, FetchLimits, Transport, Unchanged, Validators
from gateway.clock import Clock
from gateway.errors import LogError, PortError, UploadRefusedError
from gateway.ingest.refusals import RefusalCounter
from gateway.ingest.snapshot import Mark, SnapshotRefusedError, Snapshots
from gateway.ingest.submissions import Submissions
from gateway.ingest.upload.judge import Author
from gateway.ingest.upload.spool import DiskQuota
from gateway.log.port import EventLog
from gateway.log.positions import Positions
from gateway.partners import Partners
from gateway.protocol.paris_time import paris_date
from gateway.protocol.source_run import Failure, SourceRun
from gateway.protocol.topic import OFFERS, SUBMISSIONS
from gateway.store import OfferView
from schemas.rulebook import LANGUAGES

_AT_ONCE = 2
"""Feeds read concurrently: each may use a core."""
_QUOTA_BYTES = 2 * 1024 * MEGABYTE
_CATCH_UP_SECONDS = 60.0
_MAX_REASONS = 3
_MAX_COMPARED = 1_000

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class PullDependencies:
    """Dependencies of runs. ``folder`` stores the feeds while they are read."""

    log: EventLog
    partners: Partners
    submissions: Submissions
    offers: OfferView
    positions: Positions
    snapshots: Snapshots
    refusals: RefusalCounter
    clock: Clock
    folder: Path
    transports: TransportFactory
    activations: Callable[[], schemas.Activations] = lambda: schemas.NOT_ACTIVATED


class Pull:
    """Runs feeds. Fetches share the lanes; at most two fetched feeds are read at a time."""

    def __init__(self, dependencies: PullDependencies) -> None:
        self._dependencies = dependencies
        self.lanes = Lanes()
        self._reading = asyncio.Semaphore(_AT_ONCE)
        self._quota = DiskQuota(_QUOTA_BYTES)

    async def run(self, profile: Profile, beginning: Beginning) -> SourceRun:
        """The record of the run, which holds any failure of the feed. Raises LogError only."""
        try:
            run = await self._run(profile, beginning)
        except FeedError as error:
            run = failed(beginning, self._failure(error))
        except UploadRefusedError:
            run = failed(beginning, self._failure(FeedError("spool-full")))
        except RejectedFeedError as error:
            failure = _unusable(error, self._dependencies.clock())
            run = failed(beginning, failure, counts=error.counts, problems=error.groups)
        except SnapshotRefusedError as error:
            run = failed(beginning, refused(error, at=self._dependencies.clock()))
        except PortError:
            raise
        except Exception:  # noqa: BLE001  # a bulkhead, see below
            # A defect of the gateway that one feed triggers must not stop the feeds of the others.
            _log.exception("pull.broke", platform=profile.platform)
            run = failed(beginning, self._failure(FeedError("feed-broke-the-reader")))
        _log.info("pull.ended", platform=profile.platform, outcome=run.outcome, items=run.counts.items)
        return run

    async def _run(self, profile: Profile, beginning: Beginning) -> SourceRun:
        dependencies = self._dependencies
        last = beginning.last
        days = dependencies.activations().values()
        fresh = beginning.order is None and is_fresh(last, profile, now=beginning.started_at, days=days)
        validators = {} if last is None else last.validators
        known = validators if fresh else memory_of(validators)
        limits = FetchLimits(folder=dependencies.folder, most_bytes=profile.most_megabytes * MEGABYTE)
        transport = dependencies.transports.transport(profile)
        mark, paged = await self.lanes.fetch(profile.platform, self._fetch(profile, transport, known, limits))
        if isinstance(paged, Unchanged):
            return unchanged(beginning, at=dependencies.clock())
        try:
            if fresh and last is not None and paged.feed.digest == last.digest:
                return unchanged(beginning, at=dependencies.clock())
            async with self._reading:
                return await self._read(profile, paged, mark, beginning)
        finally:
            paged.feed.close()

    async def _fetch(
        self, profile: Profile, transport: Transport, known: Validators, limits: FetchLimits
    ) -> tuple[Mark, PagedFeed | Unchanged]:
        """Take a mark, then fetch the feed: an offer published in between does not count as absent."""
        text, _ = await self._dependencies.snapshots.mark(profile.platform)
        mark = self._dependencies.snapshots.read(text, platform=profile.platform)
        return mark, await fetch_pages(transport, known, limits, _mapping(profile))

    async def _read(self, profile: Profile, paged: PagedFeed, mark: Mark, beginning: Beginning) -> SourceRun:
        dependencies = self._dependencies
        await self._catch_up(mark)
        author = Author(
            publisher=profile.platform,
            hosts=dependencies.partners.hosts(),
            on=date.fromisoformat(paris_date(beginning.started_at)),
            activations=dependencies.activations(),
        )
        collector = FeedCollector(
            submissions=dependencies.submissions,
            offers=dependencies.offers,
            author=author,
            mark=mark,
            began=beginning.started_at,
        )
        confirmed = beginning.order is not None and beginning.order.confirm is not None
        items = read_pages(
            paged.pages(),
            _mapping(profile),
            platform=profile.platform,
            on=author.on,
            confirmed=confirmed,
            steady=paged.steady,
        )
        upload = await collector.collect(items, dependencies.folder, self._quota)
        try:
            return await self._apply(upload, paged.feed, mark, beginning)
        finally:
            upload.close()

    async def _catch_up(self, mark: Mark) -> None:
        """Wait until every submission before the mark is decided and visible: revisions depend on the known offers.

        A stale end offset from a lagging broker can only cost a change that the next full reading makes up for.
        """
        dependencies = self._dependencies
        decided = await dependencies.positions.reached(SUBMISSIONS, mark.ends, timeout=_CATCH_UP_SECONDS)
        if not decided or not await dependencies.offers.reached(await dependencies.log.ends(OFFERS), _CATCH_UP_SECONDS):
            raise SnapshotRefusedError("snapshot-not-ready")

    async def _apply(self, upload: FeedUpload, feed: Feed, mark: Mark, beginning: Beginning) -> SourceRun:
        dependencies, feed_counts = self._dependencies, upload.feed_counts
        content = FeedContent(
            counts=feed_counts.counts, problems=feed_counts.problems, validators=feed.validators, digest=feed.digest
        )
        if feed_counts.unidentified and not feed_counts.distinct:
            raise FeedError("feed-without-ids", count=feed_counts.unidentified)
        dependencies.refusals.count_upload(mark.platform, upload.refusals)
        confirm = None if beginning.order is None else beginning.order.confirm
        if not confirm and _publishes_nothing(beginning, content):
            counts = content.counts
            error = FeedError(
                "feed-publishes-nothing", items=counts.items, refused=counts.refused, passed=counts.passed
            )
            failure = _with_reason(self._failure(error), content.problems)
            return failed(beginning, failure, counts=counts, problems=content.problems)
        if feed_counts.unidentified or not upload.whole:
            # Items whose offers are unknown, or pages that were not read: no offer is known to be absent.
            await self._publish(upload, mark.platform)
            return partial(beginning, content, at=dependencies.clock())
        try:
            done = await dependencies.snapshots.apply(mark, upload, confirm=confirm)
        except SnapshotRefusedError as error:
            if error.code != "snapshot-shrinks-too-much":
                raise
            renumbered = await self._renumbered(upload, mark)
            return pending(beginning, content, error, renumbered=renumbered, at=dependencies.clock())
        return applied(beginning, content, withdrawn=done.withdrawn, at=dependencies.clock())

    async def _renumbered(self, upload: FeedUpload, mark: Mark) -> int:
        """The number of absent offers, of the first thousand, that the feed has under a new id."""
        found = compared = 0
        async for offer_id, _ in self._dependencies.offers.live_before(mark.platform, mark.ends):
            if offer_id in upload.feed_counts:
                continue
            state = await self._dependencies.offers.get(offer_id)
            compared += 1
            found += state is not None and state.offer is not None and hash_of(state.offer) in upload.contents
            if compared == _MAX_COMPARED:
                break
        return found

    async def _publish(self, upload: FeedUpload, publisher: str) -> None:
        """Submit the new and changed offers, and withdraw none. Raises LogError."""
        submissions = self._dependencies.submissions
        for slice_ in upload.slices():
            for outcome in await submissions.submit_records([one for _, one in slice_], publisher=publisher):
                if isinstance(outcome, LogError):
                    raise outcome

    def _failure(self, error: FeedError) -> Failure:
        return Failure(at=self._dependencies.clock(), code=error.code, fr=error.words("fr"), en=error.words("en"))


def _publishes_nothing(beginning: Beginning, content: FeedContent) -> bool:
    """Whether no item can be published: of a new feed for any reason, else because all are refused, and not only for
    being past, as at the end of a season.
    """
    if content.counts.published + content.counts.unchanged:
        return False
    refused = {one["code"] for one in content.problems if one["position"] and one["severity"] == "error"}
    return _is_new(beginning) or (content.counts.refused > 0 and refused != {"expired"})


def _is_new(beginning: Beginning) -> bool:
    """Whether no run of this feed has succeeded yet."""
    return beginning.last is None or beginning.last.first_success_at is None


def _mapping(profile: Profile) -> FeedMapping:
    if profile.mapping is None:
        raise ValueError(f"{profile.platform} has no feed to read")
    return profile.mapping


def _with_reason(failure: Failure, problems: Sequence[Mapping[str, Any]]) -> Failure:
    """The failure of a feed that publishes nothing, with the first reason and the item that it is about."""
    first = next((one for one in problems if one["severity"] == "error"), None)
    if first is None:
        return failure
    item = first["id"] or first["position"]
    texts = {"fr": f"{item}\u00a0: {first['message']['fr']}", "en": f"{item}: {first['message']['en']}"}
    return replace(failure, fr=f"{failure.fr} {texts['fr']}", en=f"{failure.en} {texts['en']}")


def _unusable(error: RejectedFeedError, at: int) -> Failure:
    """The failure of an unusable feed: its first errors, the number of further ones and the first remedy."""
    bodies = [one.to_json() for one in error.problems if one.severity == "error"]
    first, more = bodies[0], len(bodies) - _MAX_REASONS
    fr, en = (
        " ".join([*(body["message"][language] for body in bodies[:_MAX_REASONS]), first["fix"][language]])
        for language in LANGUAGES
    )
    if more > 0:
        fr, en = f"{fr} (Autres erreurs de ce genre : {more}.)", f"{en} (Further errors of this kind: {more}.)"
    return Failure(at=at, code=first["code"], fr=fr, en=en)
