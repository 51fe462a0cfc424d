"""The operator's desk: log, partners and journal, and who acts; the acts on partners, for commands and pages alike."""

import os
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from gateway.clock import Clock, now
from gateway.log.port import EventLog
from gateway.operate.journal import Journal
from gateway.partners import Partners
from gateway.partners.credential import MintedSecret, mint_secret, revoke, rotate
from gateway.partners.onboarding import InputFinding, PartnerInput, altered, differences, new_partner
from gateway.partners.revocation import newest_credential
from gateway.protocol.journal import Act, ActName, Actor, JournalEntry
from gateway.protocol.partner import Partner
from gateway.protocol.source_run import period_ms

Refusal: TypeAlias = Literal[
    "unknown",
    "revoked",
    "present",
    "invalid",
    "superseded",
    "no-certificate",
    "nonce-used",
    "no-account",
    "no-feed",
    "feed-paused",
    "offer-unknown",
    "already-moderated",
    "not-moderated",
    "view-behind",
    "contact-limit",
    "contact-refused",
    "request-limit",
    "request-too-large",
    "request-answered",
    "request-refused",
    "subscription-invalid",
    "subscription-limit",
    "subscription-too-often",
    "subscription-code",
    "subscription-rotating",
    "subscription-unblocked",
    "release-unknown",
    "release-early",
    "release-begun",
    "release-lacking",
    "end-in-use",
]
Edit: TypeAlias = Callable[[Partner | None], Partner]
"""A partner from the present one; raises RefusedActError."""

_HOUR_MS = 3_600_000
MAX_CONFIRMED = 2**31
"""Withdrawals or deletions that an order may confirm."""


class RefusedActError(Exception):
    """An act that cannot be; nothing was written. ``findings`` say why, a sentence each. ``actual`` is the value in the
    catalogue's text of a refusal that has the name of one of its codes.
    """

    def __init__(self, refusal: Refusal, *findings: str, actual: str | None = None) -> None:
        super().__init__(" ".join(findings))
        self.refusal: Refusal = refusal
        self.findings = findings
        self.actual = actual


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The dependencies of acts. ``partners`` are caught up."""

    log: EventLog
    partners: Partners
    journal: Journal
    actor: Actor
    why: str | None = None
    clock: Clock = now

    def acting(self, act: ActName, about: str, **details: Any) -> AbstractAsyncContextManager[JournalEntry]:
        """An act: its entry is written before the block, as ``Journal.acting``."""
        return self.journal.acting(Act(act=act, about=about, details=details, why=self.why), self.actor)

    async def change(self, act: ActName, slug: str, edit: Edit, **details: Any) -> Partner:
        """An act that changes a partner. What ``edit`` refuses of the present one is no act."""
        edit(self.partners.get(slug))
        async with self.acting(act, slug, **details):
            return await self.partners.change(slug, edit)


def active(partner: Partner | None, slug: str) -> Partner:
    """The partner itself. Raises RefusedActError if there is none, or if it was revoked."""
    if partner is None:
        raise RefusedActError("unknown", f"{slug} is not a partner.")
    if partner.revoked:
        raise RefusedActError("revoked", f"{slug} was revoked.")
    return partner


async def add_partner(
    desk: Desk,
    slug: str,
    wish: PartnerInput,
    *,
    act: ActName = "partner.add",
    feed: Callable[[Partner], dict[str, object]] | None = None,
    secret: bool = True,
    **details: Any,
) -> tuple[Partner, MintedSecret | None]:
    """Let a platform take part, with the profile that ``feed`` makes; its secret, if it has one, is returned only here:
    ``secret`` says whether one is made where it has neither keys nor an issuer.
    Raises RefusedActError, ChangeConflictError, LogError.
    """
    at, partners = desk.clock(), desk.partners
    needed = secret and wish.jwks is None and wish.issuer is None
    minted = mint_secret(now=at, entropy=os.urandom) if needed else None

    def join(present: Partner | None) -> Partner:
        made = new_partner(slug, wish, others=partners.all())
        if not isinstance(made, Partner):
            raise RefusedActError("invalid" if present is None or present.revoked else "present", *made)
        made = replace(made, profile=None if feed is None else feed(made))
        if findings := _feed_findings(made):
            raise RefusedActError("invalid", *findings)
        return replace(made, joined_at=at, secrets=() if minted is None else (minted.kept,))

    planned = join(partners.get(slug))
    async with desk.acting(act, slug, scopes=sorted(planned.scopes), **details):
        # Before the partner record: a gateway that reads it needs the topics at once.
        await partners.create_topics(planned)
        return await partners.change(slug, join), minted


async def alter_partner(
    desk: Desk, slug: str, alteration: PartnerInput, *, known: Partner | None = None
) -> tuple[Partner, Partner]:
    """Change a platform that takes part; the partner before and after. What changes nothing is no act. ``known`` is the
    partner from which the operator began: once another one has altered it, nothing is done. Raises as ``add_partner``.
    """
    partners = desk.partners
    before: list[Partner] = []

    def edit(present: Partner | None) -> Partner:
        before[:] = [active(present, slug)]
        if known is not None and differences(known, before[0]):
            raise RefusedActError("superseded", f"{slug} was changed meanwhile.")
        after = altered(before[0], alteration, others=partners.all())
        findings = _feed_findings(after) if isinstance(after, Partner) else after
        if not isinstance(after, Partner) or findings:
            raise RefusedActError("invalid", *findings)
        return after

    planned = edit(partners.get(slug))
    if planned == before[0]:
        return before[0], planned
    changes = {what: {"before": was, "now": is_now} for what, (was, is_now) in differences(before[0], planned).items()}
    async with desk.acting("partner.set", slug, **changes):
        # Before the partner record: a gateway that reads it needs the topics at once.
        await partners.create_topics(planned)
        after = await partners.change(slug, edit)
    return before[0], after


async def renew_secret(
    desk: Desk, slug: str, *, overlap_hours: int, replaces: str | None = None
) -> tuple[Partner, MintedSecret]:
    """Give a platform a new secret, returned only here; the current one stays valid for some hours. ``replaces`` is as
    in ``renewal``. Raises as ``add_partner``.
    """
    minted = mint_secret(now=desk.clock(), entropy=os.urandom)
    edit = renewal(slug, minted, clock=desk.clock, overlap=overlap_hours * _HOUR_MS, replaces=replaces)
    return await desk.change("partner.rotate", slug, edit, overlap_hours=overlap_hours), minted


def renewal(slug: str, minted: MintedSecret, *, clock: Clock, overlap: int, replaces: str | None = None) -> Edit:
    """The change that gives a platform a new secret. ``replaces`` is the name of the newest one
    (``newest_credential``): once that was replaced, nothing is done, so that a repetition replaces no new secret before
    anyone has it.
    """

    def edit(present: Partner | None) -> Partner:
        partner, at = active(present, slug), clock()
        if replaces is not None and replaces != newest_credential(partner, now=at):
            raise RefusedActError("superseded", f"{slug} has another secret by now.")
        return rotate(partner, replace(minted.kept, created_at=at), now=at, overlap=overlap)

    return edit


async def revoke_partner(desk: Desk, slug: str) -> Partner:
    """End a platform's access at once. Raises as ``add_partner``."""
    return await desk.change("partner.revoke", slug, lambda present: revoke(active(present, slug)))


def _feed_findings(partner: Partner) -> tuple[str, ...]:
    """Reject publishing by a platform whose source is pulled: two writers would overwrite each other."""
    if period_ms(partner.profile) is not None and ("offers:publish" in partner.scopes or partner.inbox):
        message = f"{partner.platform} is pulled by its profile, so it cannot also publish by itself."
        return (InputFinding(message, "scopes", "pulled_and_publishes", partner.platform),)
    return ()
