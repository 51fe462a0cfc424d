"""Acts of operators on requests to join, for commands, API and pages; the journal has ids, never an address or a feed.

An answer is claimed before its entry is written, under the fence of the requests: of two replicas one gives it, and
renews its claim while it is slow. An approval names its platform with the claim; what a replica has left half done
another one finishes after a minute as that platform, and it is never refused: the first replica may still go on.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, replace
from typing import Any

from gateway.errors import LogError
from gateway.log.port import Output
from gateway.notices.requests import RequestBook
from gateway.operate.desk import Desk, RefusedActError, add_partner
from gateway.partners.credential import MintedSecret
from gateway.partners.onboarding import InputFinding, PartnerInput
from gateway.protocol.contact import PARTITION, Contact, contact_record
from gateway.protocol.join_request import (
    CLAIM_MS,
    WORDING,
    Answered,
    DryRun,
    JoinRequest,
    JoinRequests,
    Kept,
    Rehearse,
    Trial,
    answered,
    step_of,
)
from gateway.protocol.partner import Partner, Scope
from gateway.protocol.record import utc
from gateway.protocol.topic import CONTACTS

PLACEHOLDER = "a-completer"
"""The slug of a dry run: no slug is chosen yet."""
COUNTED = ("items", "published", "warned", "refused", "passed")
"""The counts of a dry run, in order."""
RIGHT: Scope = "offers:read"
"""The one right of a platform that was a stranger; its feed is pulled."""
RENEW_SECONDS = CLAIM_MS / 3_000
"""A claim is renewed so often."""
_CLAIM_BYTES = 12


def found(requests: JoinRequests, request_id: str) -> Kept:
    """A request as operators know it: its address was confirmed. Raises RefusedActError."""
    kept = requests.get(request_id)
    if kept is None or step_of(kept) in ("asked", "erased"):
        raise RefusedActError("unknown", "There is no such request.")
    return kept


def listed(requests: JoinRequests) -> Sequence[JoinRequest]:
    """The requests that wait for an answer, the oldest first."""
    return sorted(
        (one for one in requests.values() if isinstance(one, JoinRequest) and one.open),
        key=lambda one: (one.asked_at, one.id),
    )


async def try_request(desk: Desk, book: RequestBook, request_id: str, rehearse: Rehearse) -> DryRun:
    """Fetch and judge the feed of a request, and publish nothing; its counts are kept with the request. Raises
    RefusedActError, LogError.
    """
    await book.catch_up()
    request = _waiting(book.state, request_id)
    async with desk.acting("request.try", request_id):
        dry_run = await rehearse(request.profile(PLACEHOLDER, request.name))

        def edit(requests: JoinRequests) -> Sequence[Kept]:
            one = requests.get(request_id)
            return [replace(one, trial=dry_run.trial)] if isinstance(one, JoinRequest) else []

        await book.change(edit)
    return dry_run


async def refuse_request(desk: Desk, book: RequestBook, request_id: str) -> None:
    """Refuse a request with the reason of the act; the person gets it by mail, then all is erased. One that is refused
    stays so. Raises RefusedActError, LogError.
    """
    await book.catch_up()
    if step_of(found(book.state, request_id)) == "refused":
        return
    reason = desk.why
    if not reason:
        raise RefusedActError("request-refused", "A refusal needs a reason, which the person gets.")
    async with _claimed(desk, book, request_id), desk.acting("request.refuse", request_id):

        def edit(requests: JoinRequests) -> Sequence[Kept]:
            kept = requests.get(request_id)
            if isinstance(kept, JoinRequest) and kept.refused == reason:
                return []  # an attempt of unknown outcome
            return [replace(_waiting(requests, request_id), refused=reason, claim=None)]

        await book.change(edit)


async def approve_request(
    desk: Desk,
    book: RequestBook,
    request_id: str,
    slug: str,
    wish: PartnerInput,
    *,
    secret: bool = False,
    renew_seconds: float = RENEW_SECONDS,
) -> tuple[Partner, MintedSecret | None]:
    """Make a partner of a request, whose feed is pulled from then on; its person becomes a contact and gets a link. It
    has a secret only if the operator wants one, and may read offers by it. A request that was approved is the same
    partner again, without a secret. Raises as ``add_partner``.
    """
    await book.catch_up()
    known = found(book.state, request_id)
    if not isinstance(known, JoinRequest):
        return await _approved(desk, known), None
    if more := set(wish.scopes or ()) - {RIGHT, "offers:publish"}:  # the latter has a finding of its own
        message = f"A request gives {RIGHT} alone: give other rights once the platform is known."
        raise RefusedActError("invalid", InputFinding(message, "scopes", "scope_of_stranger", min(more)))
    wish = replace(wish, name=wish.name or known.name, scopes=wish.scopes or (RIGHT,))
    async with _claimed(desk, book, request_id, slug, renew_seconds=renew_seconds) as request:
        partner, minted = await _partner_of(desk, request, request.platform or slug, wish, secret=secret)

        def edit(requests: JoinRequests) -> Sequence[Kept]:
            kept = requests.get(request_id)
            if isinstance(kept, Answered) and kept.platform == partner.platform:
                return []  # an attempt of unknown outcome, or another replica was faster
            return [answered(_waiting(requests, request_id), partner.platform)]

        contact = _contact(request, partner, at=desk.clock())
        await book.change(edit, Output(CONTACTS, PARTITION, contact_record(contact)))
    return partner, minted


async def _approved(desk: Desk, known: Answered) -> Partner:
    await desk.partners.catch_up()  # another replica may have made it
    partner = desk.partners.get(known.platform or "")
    if partner is None:
        raise RefusedActError("unknown", "There is no such request.")
    return partner


async def _partner_of(
    desk: Desk, request: JoinRequest, slug: str, wish: PartnerInput, *, secret: bool
) -> tuple[Partner, MintedSecret | None]:
    """The partner of a request: the one that an approval has made which was cut off or is slow, else a new one."""
    await desk.partners.catch_up()
    if (partner := _made(desk, request)) is not None:
        return partner, None
    try:
        return await add_partner(
            desk,
            slug,
            wish,
            act="request.approve",
            feed=lambda made: request.profile(slug, made.name),
            secret=secret,
            request=request.id,
        )
    except RefusedActError:
        await desk.partners.catch_up()
        if (partner := _made(desk, request)) is None:
            raise
        return partner, None


def _waiting(requests: JoinRequests, request_id: str) -> JoinRequest:
    kept = found(requests, request_id)
    if not isinstance(kept, JoinRequest) or kept.refused is not None:
        raise RefusedActError("request-answered", "This request was answered already.")
    return kept


@asynccontextmanager
async def _claimed(
    desk: Desk,
    book: RequestBook,
    request_id: str,
    platform: str | None = None,
    *,
    renew_seconds: float = RENEW_SECONDS,
) -> AsyncIterator[JoinRequest]:
    """A request that is answered here alone as long as the block lasts; it can be answered again if the block fails."""
    claim = os.urandom(_CLAIM_BYTES).hex()

    def take(requests: JoinRequests) -> Sequence[Kept]:
        one, now = _waiting(requests, request_id), desk.clock()
        if one.claim == claim:
            return []  # an attempt of unknown outcome
        if one.claim is not None and now - (one.claimed_at or 0) < CLAIM_MS:
            raise RefusedActError("request-answered", "This request is being answered; look again in a minute.")
        if platform is None and one.platform is not None:
            raise RefusedActError("request-answered", f"This request is being approved as {one.platform}.")
        return [replace(one, claim=claim, claimed_at=now, platform=one.platform or platform)]

    def leave(requests: JoinRequests) -> Sequence[Kept]:
        one = requests.get(request_id)
        if not isinstance(one, JoinRequest) or one.claim != claim:
            return []
        return [replace(one, claim=None, claimed_at=None, platform=None)]

    await book.change(take)
    keeping = asyncio.create_task(_keep(desk, book, request_id, claim, renew_seconds))
    try:
        yield _waiting(book.state, request_id)
    except RefusedActError:
        await book.change(leave)
        raise
    finally:
        keeping.cancel()
        await asyncio.wait({keeping})


async def _keep(desk: Desk, book: RequestBook, request_id: str, claim: str, seconds: float) -> None:
    """Renew a claim again and again."""

    def renew(requests: JoinRequests) -> Sequence[Kept]:
        one = requests.get(request_id)
        return [replace(one, claimed_at=desk.clock())] if isinstance(one, JoinRequest) and one.claim == claim else []

    while True:
        await asyncio.sleep(seconds)
        with suppress(LogError):
            await book.change(renew)


def _made(desk: Desk, request: JoinRequest) -> Partner | None:
    """The partner that an approval of this request has made."""
    partner = None if request.platform is None else desk.partners.get(request.platform)
    if partner is None or partner.revoked or partner.profile is None:
        return None
    return partner if partner.profile == request.profile(partner.platform, partner.name) else None


def _contact(request: JoinRequest, partner: Partner, *, at: int) -> Contact:
    """The person of a request as a contact of its platform, with the consent that it has given."""
    return Contact(
        id=request.id,
        platform=partner.platform,
        address=request.address,
        name=request.name,
        language=request.language,
        asked_at=max(at, partner.joined_at or at),
        confirmed_at=request.confirmed_at,
        wording=WORDING,
        seen_at=at,
    )


def request_document(kept: Kept) -> dict[str, Any]:
    """A request as operators see it; of one that was approved, what stays."""
    document: dict[str, Any] = {"id": kept.id, "step": step_of(kept), "asked_at": utc(kept.asked_at)}
    if not isinstance(kept, JoinRequest):
        return document | {"platform": kept.platform}
    mail, feed = kept.hosts
    document |= {
        "name": kept.name,
        "feed": kept.feed,
        "format": kept.format,
        "mapping": kept.mapping,
        "address": kept.address,
        "mail_domain": mail,
        "feed_host": feed,
        "identity_verified": False,
        "language": kept.language,
    }
    if kept.confirmed_at is not None:
        document["confirmed_at"] = utc(kept.confirmed_at)
    return document if kept.trial is None else document | {"trial": _trial_document(kept.trial)}


def dry_run_document(dry_run: DryRun) -> dict[str, Any]:
    """A dry run as operators see it, once."""
    document = _trial_document(dry_run.trial) | {"problems": list(dry_run.problems), "offers": list(dry_run.offers)}
    return document if dry_run.failure is None else document | {"message": dict(dry_run.failure)}


def _trial_document(trial: Trial) -> dict[str, Any]:
    counts = asdict(trial.counts)
    document = {"at": utc(trial.at), "counts": {name: counts[name] for name in COUNTED}, "rules": dict(trial.rules)}
    return document if trial.failure is None else document | {"failure": trial.failure}
