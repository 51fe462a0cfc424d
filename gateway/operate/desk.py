"""The operator's desk: log, partners and journal, and who acts; the acts on partners, for commands and pages alike."""

import os
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
]
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


def active(partner: Partner | None, slug: str) -> Partner:
    """The partner itself. Raises RefusedActError if there is none, or if it was revoked."""
    if partner is None:
        raise RefusedActError("unknown", f"{slug} is not a partner.")
    if partner.revoked:
        raise RefusedActError("revoked", f"{slug} was revoked.")
    return partner


async def add_partner(desk: Desk, slug: str, wish: PartnerInput) -> tuple[Partner, MintedSecret | None]:
    """Let a platform take part; its secret, if it has one, is returned only here. Raises RefusedActError,
    ChangeConflictError, LogError.
    """
    at, partners = desk.clock(), desk.partners
    minted = mint_secret(now=at, entropy=os.urandom) if wish.jwks is None and wish.issuer is None else None

    def join(present: Partner | None) -> Partner:
        made = new_partner(slug, wish, others=partners.all())
        if not isinstance(made, Partner):
            raise RefusedActError("invalid" if present is None or present.revoked else "present", *made)
        return replace(made, joined_at=at, secrets=() if minted is None else (minted.kept,))

    planned = join(partners.get(slug))
    async with desk.acting("partner.add", slug, scopes=sorted(planned.scopes)):
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
    """Give a platform a new secret, returned only here; the current one stays valid for some hours. ``replaces`` is the
    name of that one (``newest_credential``): once it was replaced, nothing is done, so that a repetition replaces no
    new secret before anyone has it. Raises as ``add_partner``.
    """
    minted = mint_secret(now=desk.clock(), entropy=os.urandom)

    def with_new_secret(present: Partner | None) -> Partner:
        at = desk.clock()
        fresh = replace(minted.kept, created_at=at)
        return rotate(rotatable(present), fresh, now=at, overlap=overlap_hours * 3_600_000)

    def rotatable(present: Partner | None) -> Partner:
        partner = active(present, slug)
        if replaces is not None and replaces != newest_credential(partner, now=desk.clock()):
            raise RefusedActError("superseded", f"{slug} has another secret by now.")
        return partner

    rotatable(desk.partners.get(slug))
    async with desk.acting("partner.rotate", slug, overlap_hours=overlap_hours):
        return await desk.partners.change(slug, with_new_secret), minted


async def revoke_partner(desk: Desk, slug: str) -> Partner:
    """End a platform's access at once. Raises as ``add_partner``."""
    active(desk.partners.get(slug), slug)
    async with desk.acting("partner.revoke", slug):
        return await desk.partners.change(slug, lambda present: revoke(active(present, slug)))


def _feed_findings(partner: Partner) -> tuple[str, ...]:
    """Reject publishing by a platform whose source is pulled: two writers would overwrite each other."""
    if period_ms(partner.profile) is not None and ("offers:publish" in partner.scopes or partner.inbox):
        message = f"{partner.platform} is pulled by its profile, so it cannot also publish by itself."
        return (InputFinding(message, "scopes", "pulled_and_publishes", partner.platform),)
    return ()
