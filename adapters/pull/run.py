"""Runs of a feed: when the next one is due, and the record of ``runs`` that each outcome makes of the last. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import schemas
from adapters.profile.profile import Profile
from adapters.transport.feed import Validators
from gateway.clock import STEP_MS
from gateway.ingest.snapshot import SnapshotRefusedError
from gateway.protocol.paris_time import paris_midnight
from gateway.protocol.source_run import Counts, Failure, RunOrder, SourceRun
from schemas.bilingual import Bilingual
from schemas.rulebook import LANGUAGES

JITTER_SHARE = 0.1
FULL_EVERY_MS = 24 * 3_600_000
"""A feed is read completely at least this often, even if it is unchanged: rules depend on the day, and changes by an
operator must be reconciled.
"""
ORDER_LIFE_MS = 10 * 60_000
"""Lifetime of an unanswered order."""
_MAX_RUN_MS = 3_600_000
"""A run that was applied began this long ago at most: its offers are judged as on the day of its start."""
MAX_BACKOFF_MS = 6 * 3_600_000
_MAX_DOUBLINGS = 3
_NOT_APPLIED: Mapping[str, Any] = {
    **dict.fromkeys(("applied_at", "applied_counts", "applied_problems", "digest")), "validators": {},
}  # fmt: skip


def is_due(last: SourceRun | None, profile: Profile, *, jitter: float, now: int, failures: int = 0) -> bool:
    """Whether the next run is due at ``now`` (ms). ``jitter`` is between 0 and 1; ``failures`` counts the failed
    runs in a row.

    A run is due at once for a new or changed profile, and after a run from the future, when the clock was ahead.
    """
    if last is None or last.profile != profile.digest or last.started_at > now + STEP_MS:
        return True
    return now >= last.started_at + round(_pause(profile, failures) * (1 + JITTER_SHARE * (2 * jitter - 1)))


def _pause(profile: Profile, failures: int) -> int:
    """The milliseconds from the start of a run to the start of the next.

    This is the feed's period, doubled for each failure after the first, up to eight periods or six hours, and never
    less than the period.
    """
    backoff = profile.every_ms << min(max(0, failures - 1), _MAX_DOUBLINGS)
    return max(profile.every_ms, min(backoff, MAX_BACKOFF_MS))


def is_fresh(last: SourceRun | None, profile: Profile, *, now: int, days: Iterable[date] = ()) -> bool:
    """Whether an unchanged feed need not be read again after the last applied run; ``days``: those on which releases of
    the schema begin. A feed that was judged before such a day is read again on it.
    """
    if last is None or last.applied_at is None or last.profile != profile.digest:
        return False
    began = last.applied_at - _MAX_RUN_MS
    return 0 <= now - last.applied_at < FULL_EVERY_MS and not any(began < paris_midnight(day) <= now for day in days)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """Start of a run: platform, start time (ms), digest of the profile, last run, and the order that it answers."""

    platform: str
    started_at: int
    profile: str
    last: SourceRun | None
    order: RunOrder | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedContent:
    """Counts and problems of a feed, with the validators and the digest that identify it."""

    counts: Counts
    problems: Sequence[Mapping[str, Any]]
    validators: Validators
    digest: str


def applied(beginning: Beginning, content: FeedContent, *, withdrawn: int, at: int) -> SourceRun:
    """The record of a feed that was applied completely."""
    run = _read(beginning, replace(content, counts=replace(content.counts, withdrawn=withdrawn)), at)
    return replace(
        run,
        outcome="applied",
        applied_at=at,
        applied_counts=run.counts,
        applied_problems=run.problems,
        validators=dict(content.validators),
        digest=content.digest,
    )


def partial(beginning: Beginning, content: FeedContent, *, at: int) -> SourceRun:
    """The record of a feed whose items were published without withdrawals.

    The feed does not count as applied: the next run reads it again.
    """
    return replace(_read(beginning, content, at), outcome="partial", **_NOT_APPLIED)


def unchanged(beginning: Beginning, *, at: int) -> SourceRun:
    """The record of a feed equal to the last applied one, whose counts and problems still hold."""
    run = _succeeded(_ended(beginning, at))
    counts = run.counts if run.applied_counts is None else run.applied_counts
    problems = run.problems if run.applied_problems is None else run.applied_problems
    kept_counts = replace(counts, published=0, unchanged=counts.published + counts.unchanged, withdrawn=0)
    return replace(run, outcome="unchanged", counts=kept_counts, problems=problems)


def pending(
    beginning: Beginning, content: FeedContent, refusal: SnapshotRefusedError, *, renumbered: int = 0, at: int
) -> SourceRun:
    """The record of a feed stopped by the withdrawal guard; an order must confirm the number of withdrawals.
    ``renumbered``: so many of the absent offers are in the feed under a new id.
    """
    number, live = refusal.values["actual"], refusal.values["expected"]
    command = f"passerelle platform run {beginning.platform} --confirm {number}"
    same = Bilingual("", "") if not renumbered else _renumbered(renumbered)
    failure = Failure(
        at=at,
        code=refusal.code,
        fr=f"Ce flux retirerait {number} offres sur {live}. {same.fr}Rien n’a changé. Vérifiez l’export de la "
        f"plateforme ; si c’est voulu : {command}",
        en=f"This feed would withdraw {number} of {live} offers. {same}Nothing has changed. Check the platform's "
        f"export; if that is meant: {command}",
    )
    ended = failed(beginning, failure, counts=content.counts, problems=content.problems)
    return replace(ended, outcome="pending", would_withdraw=number)


def _renumbered(number: int) -> Bilingual:
    return Bilingual(
        f"{number} of these offers are in the feed, the same, under a new id: has the platform renumbered them? An id "
        "must stay the same in every export. ",
        f"{number} de ces offres sont dans le flux, identiques, sous un nouvel identifiant : la plateforme les "
        "a-t-elle renumérotées ? Un identifiant doit rester le même d’un export à l’autre. ",
    )


def failed(
    beginning: Beginning,
    failure: Failure,
    *,
    counts: Counts | None = None,
    problems: Sequence[Mapping[str, Any]] = (),
) -> SourceRun:
    """The record of a run that changed nothing, with the counts and problems of a feed that was read."""
    run = _ended(beginning, failure.at)
    return replace(run, outcome="failed", counts=counts or Counts(), problems=tuple(problems), last_error=failure)


def refused(refusal: SnapshotRefusedError, *, at: int) -> Failure:
    """The failure of a refused snapshot, with its texts in both languages."""
    body = schemas.problem(refusal.code, **refusal.values).to_json()
    texts = {language: f"{body['message'][language]} {body['fix'][language]}" for language in LANGUAGES}
    return Failure(at=at, code=refusal.code, **texts)


def _read(beginning: Beginning, content: FeedContent, at: int) -> SourceRun:
    """The run with the counts and problems of its feed."""
    run = _succeeded(_ended(beginning, at))
    return replace(run, counts=content.counts, problems=tuple(content.problems))


def _succeeded(run: SourceRun) -> SourceRun:
    return replace(run, first_success_at=run.first_success_at or run.ended_at, last_success_at=run.ended_at)


def _ended(beginning: Beginning, at: int) -> SourceRun:
    """The run with the last one's values; those applied under another profile are dropped."""
    last = beginning.last or SourceRun(platform=beginning.platform, started_at=0, ended_at=0, outcome="failed")
    if last.profile != beginning.profile:
        last = replace(last, **_NOT_APPLIED)
    return replace(
        last,
        started_at=beginning.started_at,
        ended_at=at,
        would_withdraw=None,
        profile=beginning.profile,
        order=last.order if beginning.order is None else beginning.order.id,
    )
