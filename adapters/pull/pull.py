"""One run: a mark, the feed, its items, a complete snapshot; or the words why nothing has changed."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import structlog

from adapters.formats import Item, read
from adapters.profile.profile import Profile
from adapters.pull.gathering import Gathering, UnusableFeedError
from adapters.pull.harvest import Harvest
from adapters.pull.lanes import Lanes
from adapters.pull.outcome import Beginning, Content, applied, failed, partial, pending, refused, unchanged
from adapters.pull.schedule import is_fresh
from adapters.pull.way import Ways
from adapters.transport.drop import memory_of
from adapters.transport.error import FeedError
from adapters.transport.feed import MEGABYTE, Feed, Terms, Transport, Unchanged, Validators
from gateway.clock import Clock
from gateway.errors import LogError, PortError
from gateway.ingest.snapshot import Mark, SnapshotRefusedError, Snapshots
from gateway.ingest.submissions import Submissions
from gateway.ingest.upload.error import UploadRefusedError
from gateway.ingest.upload.judge import Author
from gateway.ingest.upload.spool import Room
from gateway.log.port import EventLog
from gateway.log.positions import Positions
from gateway.partners import Partners
from gateway.protocol.decide import paris_date
from gateway.protocol.run import Counts, Failure, Run
from gateway.protocol.topic import OFFERS, SUBMISSIONS
from gateway.store import OfferView
from schemas.rulebook import LANGUAGES

_AT_ONCE = 2
"""How many feeds are read at a time: each may keep a core busy."""
_ROOM_BYTES = 2 * 1024 * MEGABYTE
_PATIENCE_SECONDS = 60.0
_MOST_REASONS = 3

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What runs use of the gateway. ``folder`` is where feeds lie while they are read."""

    log: EventLog
    partners: Partners
    submissions: Submissions
    offers: OfferView
    positions: Positions
    snapshots: Snapshots
    clock: Clock
    folder: Path
    ways: Ways


class Pull:
    """Runs feeds. Those that are fetched share lanes; those that have come are read two at a time."""

    def __init__(self, means: Means, lanes: Lanes | None = None) -> None:
        self._means = means
        self.lanes = lanes or Lanes()
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._room = Room(_ROOM_BYTES)

    async def run(self, profile: Profile, beginning: Beginning) -> Run:
        """What became of it. Raises LogError only: what is wrong with a feed is told in the run."""
        try:
            run = await self._run(profile, beginning)
        except FeedError as error:
            run = failed(beginning, self._failure(error))
        except UploadRefusedError:
            run = failed(beginning, self._failure(FeedError("spool-full")))
        except UnusableFeedError as error:
            failure = _unusable(error, self._means.clock())
            run = failed(beginning, failure, counts=error.counts, problems=error.groups)
        except SnapshotRefusedError as error:
            run = failed(beginning, refused(error, at=self._means.clock()))
        except PortError:
            raise
        except Exception:  # noqa: BLE001  # a bulkhead, see below
            # A fault of ours that one feed brings out must not take the gateway of all the others down.
            _log.exception("pull.broke", platform=profile.platform)
            run = failed(beginning, self._failure(FeedError("feed-broke-the-reader")))
        _log.info("pull.ended", platform=profile.platform, outcome=run.outcome, items=run.counts.items)
        return run

    async def _run(self, profile: Profile, beginning: Beginning) -> Run:
        means = self._means
        last = beginning.last
        fresh = beginning.order is None and is_fresh(last, profile, now=beginning.started_at)
        validators = {} if last is None else last.validators
        known = validators if fresh else memory_of(validators)
        terms = Terms(folder=means.folder, most_bytes=profile.most_megabytes * MEGABYTE)
        transport = means.ways.transport(profile)
        mark, feed = await self.lanes.fetch(profile.platform, self._fetch(profile.platform, transport, known, terms))
        if isinstance(feed, Unchanged):
            return unchanged(beginning, at=means.clock())
        try:
            if fresh and last is not None and feed.digest == last.digest:
                return unchanged(beginning, at=means.clock())
            async with self._turns:
                return await self._read(profile, feed, mark, beginning)
        finally:
            feed.close()

    async def _fetch(
        self, platform: str, transport: Transport, known: Validators, terms: Terms
    ) -> tuple[Mark, Feed | Unchanged]:
        """A mark, then the feed: what is published in between is not taken for absent."""
        text, _ = await self._means.snapshots.mark(platform)
        mark = self._means.snapshots.read(text, platform=platform)
        return mark, await transport.fetch(known, terms)

    async def _read(self, profile: Profile, feed: Feed, mark: Mark, beginning: Beginning) -> Run:
        means = self._means
        await self._catch_up(mark)
        author = Author(
            publisher=profile.platform,
            hosts=means.partners.hosts(),
            on=date.fromisoformat(paris_date(beginning.started_at)),
        )
        gathering = Gathering(
            submissions=means.submissions,
            offers=means.offers,
            author=author,
            mark=mark,
            began=beginning.started_at,
        )
        confirmed = beginning.order is not None and beginning.order.confirm is not None
        items = _items(feed, profile, author.on, confirmed=confirmed)
        harvest = await gathering.gather(items, means.folder, self._room)
        try:
            return await self._apply(harvest, feed, mark, beginning)
        finally:
            harvest.close()

    async def _catch_up(self, mark: Mark) -> None:
        """Wait until all that precedes the mark is decided and visible: revisions are given by what is known.

        An old end, told by a broker that slept, costs at most a change that the next reading in full makes up for.
        """
        means = self._means
        decided = await means.positions.reached(SUBMISSIONS, mark.ends, timeout=_PATIENCE_SECONDS)
        if not decided or not await means.offers.reached(await means.log.ends(OFFERS), _PATIENCE_SECONDS):
            raise SnapshotRefusedError("snapshot-not-ready")

    async def _apply(self, harvest: Harvest, feed: Feed, mark: Mark, beginning: Beginning) -> Run:
        means, census = self._means, harvest.census
        content = Content(
            counts=census.counts, problems=census.problems, validators=feed.validators, digest=feed.digest
        )
        if census.unidentified and not census.distinct:
            raise FeedError("feed-without-ids", count=census.unidentified)
        confirm = None if beginning.order is None else beginning.order.confirm
        if _is_new(beginning) and not content.counts.published + content.counts.unchanged and not confirm:
            failure = self._failure(_nothing_to_publish(content.counts))
            return failed(beginning, failure, counts=content.counts, problems=content.problems)
        if census.unidentified:
            # Which offers those items are is not known, so none can be told from one that is absent.
            await self._publish(harvest)
            return partial(beginning, content, at=means.clock())
        try:
            done = await means.snapshots.apply(mark, harvest, confirm=confirm)
        except SnapshotRefusedError as error:
            if error.code != "snapshot-shrinks-too-much":
                raise
            return pending(beginning, content, error, at=means.clock())
        return applied(beginning, content, withdrawn=done.withdrawn, at=means.clock())

    async def _publish(self, harvest: Harvest) -> None:
        """Hand in what is new or changed, and withdraw nothing."""
        for slice_ in harvest.slices():
            for outcome in await self._means.submissions.submit_records([prepared for _, prepared in slice_]):
                if isinstance(outcome, LogError):
                    raise outcome

    def _failure(self, error: FeedError) -> Failure:
        return Failure(at=self._means.clock(), code=error.code, fr=error.words("fr"), en=error.words("en"))


def _is_new(beginning: Beginning) -> bool:
    """Whether nothing of this feed has ever been applied."""
    return beginning.last is None or beginning.last.first_success_at is None


def _nothing_to_publish(counts: Counts) -> FeedError:
    return FeedError("feed-publishes-nothing", items=counts.items, refused=counts.refused, passed=counts.passed)


def _items(feed: Feed, profile: Profile, on: date, *, confirmed: bool) -> Iterator[Item]:
    if profile.mapping is None:
        raise ValueError(f"{profile.platform} has no feed to read")
    return read(feed.blocks(), profile.mapping, platform=profile.platform, on=on, confirmed=confirmed)


def _unusable(error: UnusableFeedError, at: int) -> Failure:
    """The words of the first problems that made the feed unusable, how many more there are, and the first remedy."""
    bodies = [one.to_json() for one in error.problems if one.severity == "error"]
    first, more = bodies[0], len(bodies) - _MOST_REASONS
    fr, en = (
        " ".join([*(body["message"][language] for body in bodies[:_MOST_REASONS]), first["fix"][language]])
        for language in LANGUAGES
    )
    if more > 0:
        fr, en = f"{fr} (Autres erreurs de ce genre : {more}.)", f"{en} (Further errors of this kind: {more}.)"
    return Failure(at=at, code=first["code"], fr=fr, en=en)
