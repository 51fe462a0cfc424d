"""The status of the federation: its platforms, since when each is connected, and details of each. Pure.

The list of platforms is open to every partner; the details of a platform only to itself and to the operator (SEC-014).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import schemas
from gateway.partners.onboarding import presets
from gateway.protocol.certificate import Certificate, valid_certificates
from gateway.protocol.identity import NATIONAL
from gateway.protocol.partner import Partner
from gateway.protocol.record import read_utc, utc
from gateway.protocol.source_run import Pause, SourceRun
from gateway.store.deliveries import DeliverySummary
from gateway.store.receipt_counts import ReceiptCount
from schemas.rulebook import Language

Kind: TypeAlias = str
"""One of the closed list ``system``; ``uncovered`` are Regions without a platform, whose offers the national
site has.
"""

UNCOVERED = ("24", "32")
"""INSEE codes of Centre-Val de Loire and Hauts-de-France."""
_NO_RIGHT: Mapping[Language, str] = {
    "fr": "Le site national n’a pas accordé le droit api_full_access : les offres créées là-bas ne peuvent être lues.",
    "en": "The national site has not granted the right api_full_access: offers made there cannot be read.",
}
_UNDELIVERED = ("refused", "not-deliverable", "moderated")
_NOTHING = DeliverySummary(states={})


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The facts of the log and its views, by slug. ``live`` is by slug, and by region for those without a platform, as
    far as the asker may count them; ``inbox_lag`` is the number of messages not yet read.
    """

    now: int
    partners: Mapping[str, Partner]
    live: Mapping[str, int]
    receipts: Mapping[str, Mapping[str, ReceiptCount]] = field(default_factory=dict)
    deliveries: Mapping[str, DeliverySummary] = field(default_factory=dict)
    runs: Mapping[str, SourceRun] = field(default_factory=dict)
    pauses: Mapping[str, Pause] = field(default_factory=dict)
    accounts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The last note of the owner of each account at the national site."""
    inbox_lag: Mapping[str, int] = field(default_factory=dict)
    unlisted: Mapping[str, int] = field(default_factory=dict)
    """Refused inbox messages without a receipt, on the last day with refusals."""
    filling: bool = False
    """Whether a view of receipts, deliveries or runs is still being filled: values from them are then None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorNote:
    """An error: its time (ms), and its text in French and English."""

    at: int
    fr: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """The details of a platform. ``accepted`` counts submissions of the last 30 days; ``refused`` counts those, the
    items that the last run of its feed refused, and refused inbox messages without a receipt. ``delivered``,
    ``pending`` and ``undelivered`` count offers at the national site; the national site's own line has those of all
    platforms. ``delivery_lag`` is the age of the oldest pending one (ms), ``paused_at`` since when its feed is
    paused. None means unknown, or not yet known.
    """

    last_success: int | None = None
    last_error: ErrorNote | None = None
    accepted: int | None = None
    refused: int | None = None
    delivered: int | None = None
    pending: int | None = None
    undelivered: int | None = None
    inbox_lag: int | None = None
    delivery_lag: int | None = None
    paused_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """One line: a platform, or a Region without one. ``since`` is the time of its connection (ms), None if unknown;
    ``certified_until`` the end of its certificate as a publisher (ms), None if it has none; ``certificates`` are all of
    its certificates that are valid now, one per role.
    """

    platform: str | None
    region: str | None
    name: str
    kind: Kind
    connected: bool
    since: int | None
    certified_until: int | None
    certificates: tuple[Certificate, ...]
    live: int | None
    details: Details | None


def may_see_details(asker: str, platform: str, *, operator: bool) -> bool:
    """Whether the asker may read the details of a platform."""
    return operator or asker == platform


def statuses(facts: Facts, *, asker: str, operator: bool) -> list[Status]:
    """The nine regional platforms, the national site, the Regions without a platform, then all other platforms."""
    known = presets()
    lines = [_line(facts, slug, detailed=may_see_details(asker, slug, operator=operator)) for slug in known]
    others = sorted(slug for slug, partner in facts.partners.items() if slug not in known and is_platform(partner))
    return [
        *lines,
        *_uncovered(facts, lines),
        *(_line(facts, slug, detailed=may_see_details(asker, slug, operator=operator)) for slug in others),
    ]


def status_document(status: Status, language: Language) -> dict[str, Any]:
    """The line as JSON (``PlatformStatus`` of the OpenAPI document): times in UTC, the error in one language."""
    document: dict[str, Any] = {
        "platform": status.platform,
        "region": status.region,
        "name": status.name,
        "kind": status.kind,
        "connected": status.connected,
        "since": _instant(status.since),
        "certified_until": _instant(status.certified_until),
        "certificates": [_certificate_document(one) for one in status.certificates],
        "live": status.live,
    }
    if status.details is not None:
        document["details"] = _details_document(status.details, language)
    return document


def is_platform(partner: Partner) -> bool:
    """Whether a partner publishes or reads offers, by any transport: an operator's client does neither."""
    has_transport = partner.inbox or partner.feed or partner.profile is not None
    return has_transport or not partner.scopes.isdisjoint({"offers:publish", "offers:read"})


def _line(facts: Facts, slug: str, *, detailed: bool) -> Status:
    preset = presets().get(slug)
    partner = facts.partners.get(slug)
    connected = (partner is not None and not partner.revoked) or (slug == NATIONAL and bool(facts.accounts))
    certificates = valid_certificates(partner.certificates, now=facts.now) if partner and connected else ()
    return Status(
        platform=slug,
        region=None if preset is None else _region(preset),
        name=(partner or presets()[slug]).name,
        kind="national" if slug == NATIONAL else "other" if preset is None else "regional",
        connected=connected,
        since=_since(partner, facts.runs.get(slug)) if connected and not facts.filling else None,
        certified_until=next((one.expires_at for one in certificates if one.role == "publisher"), None),
        certificates=certificates,
        live=facts.live.get(slug),
        details=_details(facts, slug) if detailed else None,
    )


def _uncovered(facts: Facts, lines: Sequence[Status]) -> Iterator[Status]:
    """The Regions without a platform: connected as long as the national site is, through which their offers arrive."""
    [national] = [line for line in lines if line.kind == "national"]
    names = {item["code"]: item["name"] for item in schemas.reference("regions")["items"]}
    for region in UNCOVERED:
        yield Status(
            platform=None,
            region=region,
            name=names[region],
            kind="uncovered",
            connected=national.connected,
            since=national.since,
            certified_until=None,
            certificates=(),
            live=facts.live.get(region),
            details=None,
        )


def _region(preset: Partner) -> str | None:
    """The region of a regional platform; the national site has none."""
    departments = {item["code"]: item["region"] for item in schemas.reference("departments")["items"]}
    return departments[min(preset.territory)] if preset.territory else None


def _since(partner: Partner | None, run: SourceRun | None) -> int | None:
    """The first success of its feed; else the time when it joined, or when its oldest credential was created."""
    if run is not None and run.first_success_at is not None:
        return run.first_success_at
    if partner is None or partner.joined_at is not None:
        return None if partner is None else partner.joined_at
    return min((secret.created_at for secret in partner.secrets), default=None)


def last_success(counts: Mapping[str, ReceiptCount], run: SourceRun | None) -> int | None:
    """The time (ms) of a platform's last accepted submission or successful run of its feed; None if it has none."""
    successes = [counts[verdict].latest for verdict in ("accepted", "duplicate") if verdict in counts]
    if run is not None and run.last_success_at is not None:
        successes.append(run.last_success_at)
    return max(successes, default=None)


def _details(facts: Facts, slug: str) -> Details:
    if facts.filling:
        return Details(inbox_lag=facts.inbox_lag.get(slug))
    counts, run = facts.receipts.get(slug, {}), facts.runs.get(slug)
    summaries = list(facts.deliveries.values()) if slug == NATIONAL else [facts.deliveries.get(slug, _NOTHING)]
    own = last_success(counts, run)
    successes = [] if own is None else [own]
    troubles = [*_of_run(run), *_of_receipts(counts), *_of_deliveries(summaries)]
    if slug == NATIONAL:
        successes += [summary.delivered_at for summary in summaries if summary.delivered_at is not None]
        for note in facts.accounts.values():
            successes += _successes(note)
            troubles += _of_account(note)
    due = [summary.due_since for summary in summaries if summary.due_since is not None]
    return Details(
        last_success=max(successes, default=None),
        last_error=max(troubles, key=lambda trouble: trouble.at, default=None),
        accepted=_number(counts, "accepted"),
        refused=_number(counts, "rejected")
        + (run.counts.refused if run is not None else 0)
        + facts.unlisted.get(slug, 0),
        delivered=_parts(summaries, "delivered"),
        pending=_parts(summaries, "pending"),
        undelivered=_parts(summaries, *_UNDELIVERED),
        inbox_lag=facts.inbox_lag.get(slug),
        delivery_lag=facts.now - min(due) if due else None,
        paused_at=facts.pauses[slug].at if slug in facts.pauses else None,
    )


def _of_run(run: SourceRun | None) -> Iterator[ErrorNote]:
    """Errors of the last run of the feed: of the run as a whole, and of its first refused item."""
    if run is None:
        return
    if run.last_error is not None:
        yield ErrorNote(at=run.last_error.at, fr=run.last_error.fr, en=run.last_error.en)
    first = next((one for one in run.problems if one["severity"] == "error" and one["position"]), None)
    if run.counts.refused and first is not None:
        refused = run.counts.refused
        which, message = first["id"] or first["position"], first["message"]
        yield ErrorNote(
            at=run.ended_at,
            fr=f"Éléments refusés dans le flux : {refused}. Le premier, {which} : {message['fr']}",
            en=f"Items of the feed that were refused: {refused}. The first one, {which}: {message['en']}",
        )


def _of_receipts(counts: Mapping[str, ReceiptCount]) -> Iterator[ErrorNote]:
    rejected = counts.get("rejected")
    if rejected is not None and rejected.receipt is not None:
        yield from _of_problems(rejected.latest, rejected.receipt["problems"])


def _of_deliveries(summaries: Sequence[DeliverySummary]) -> Iterator[ErrorNote]:
    for summary in summaries:
        if summary.refused is not None:
            yield from _of_problems(summary.refused.since, summary.refused.problems)


def _successes(note: Mapping[str, Any]) -> Iterator[int]:
    """The times when the site last answered an account, and was last searched for offers created there."""
    for at in (note.get("answered_at"), note.get("search", {}).get("scanned_at")):
        if at is not None:
            yield read_utc(at)


def _of_account(note: Mapping[str, Any]) -> Iterator[ErrorNote]:
    """Errors of an account at the national site: failures in the site's own text, or a missing right."""
    if "error" in note and "failed_at" in note:
        yield ErrorNote(at=read_utc(note["failed_at"]), fr=note["error"], en=note["error"])
    match note.get("search", {}):
        case {"state": "waiting-for-right"}:
            yield ErrorNote(at=read_utc(note["at"]), fr=_NO_RIGHT["fr"], en=_NO_RIGHT["en"])
        case {"state": "failed", "error": error}:
            yield ErrorNote(at=read_utc(note["at"]), fr=error, en=error)


def _of_problems(at: int, problems: Sequence[Mapping[str, Any]]) -> Iterator[ErrorNote]:
    for problem in problems[:1]:
        yield ErrorNote(at=at, fr=problem["message"]["fr"], en=problem["message"]["en"])


def _number(counts: Mapping[str, ReceiptCount], verdict: str) -> int:
    return counts[verdict].number if verdict in counts else 0


def _parts(summaries: Sequence[DeliverySummary], *states: str) -> int:
    return sum(summary.states.get(state, 0) for summary in summaries for state in states)


def _details_document(details: Details, language: Language) -> dict[str, Any]:
    error = details.last_error
    return {
        "last_success": _instant(details.last_success),
        "last_error": error and {"at": utc(error.at), "message": error.fr if language == "fr" else error.en},
        "accepted": details.accepted,
        "refused": details.refused,
        "delivered": details.delivered,
        "pending": details.pending,
        "undelivered": details.undelivered,
        "inbox_lag": details.inbox_lag,
        **({} if details.paused_at is None else {"paused_since": utc(details.paused_at)}),
        "delivery_lag_seconds": None if details.delivery_lag is None else max(0, details.delivery_lag) // 1_000,
    }


def _certificate_document(certificate: Certificate) -> dict[str, Any]:
    """A certificate as every partner may read it: neither its evidence nor its signed text."""
    return {
        "role": certificate.role,
        "profile": certificate.profile,
        "kit": certificate.versions.kit,
        "since": utc(certificate.issued_at),
        "until": utc(certificate.expires_at),
        "basis": certificate.basis,
        "replayed": _instant(certificate.replayed_at),
    }


def _instant(at: int | None) -> str | None:
    return None if at is None else utc(at)
