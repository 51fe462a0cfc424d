"""What the operator's pages of partners, journal and national site need of the parts."""

from collections.abc import Sequence

from adapters.national.site.timing import PER_MINUTE
from gateway.bootstrap.doctor import examine_running
from gateway.bootstrap.national_plan import NationalPlans
from gateway.bootstrap.parts import Parts
from gateway.errors import PositionLostError
from gateway.operate.desk import Desk
from gateway.operate.journal_audit import audit_journal
from gateway.operate.national import Ordered, answer_to
from gateway.pages.journal import JournalPort
from gateway.pages.journal.port import Checks, Finding
from gateway.pages.national import NationalPort
from gateway.pages.partners import PartnersPort
from gateway.partners.sign_in import Signed, SignIns
from gateway.protocol.journal import ChainFinding, Entry, JournalFilter
from gateway.protocol.seal import Seal
from gateway.runtime.cached import Cached

_LOOK_SECONDS = 1.0
_CHECKS_MS = 10_000
"""The journal is read as a whole for the checks, once for all who ask for them together."""


def desk_of(parts: Parts, signed: Signed, why: str | None) -> Desk:
    """The desk at which the person of a session acts, through the session's platform."""
    return Desk(
        log=parts.log,
        partners=parts.partners,
        journal=parts.acts,
        actor=signed.actor,
        why=why or None,
        clock=parts.clock,
    )


def partners_port(parts: Parts, sign_ins: SignIns, url: str) -> PartnersPort:
    """The port of the pages of the platforms that take part."""
    return PartnersPort(
        clock=parts.clock,
        catch_up=parts.partners.catch_up,
        all=parts.partners.all,
        get=parts.partners.get,
        desk=lambda signed, why: desk_of(parts, signed, why),
        sign_ins=sign_ins,
        url=url,
    )


def journal_port(parts: Parts) -> JournalPort:
    """The port of the pages of the journal."""

    async def page(before: int | None, limit: int, asked: JournalFilter) -> tuple[Sequence[Entry], bool]:
        entries, _, more = await parts.journal.page(before=before, limit=limit, asked=asked)
        return entries, more

    async def check() -> Checks:
        chain: list[ChainFinding] = []
        at = parts.clock()
        journal = await audit_journal(parts.log, chain.append, secret=parts.secret, clock=parts.clock)
        found = await examine_running(parts.settings, parts.log, parts.partners, clock=parts.clock)
        doctor = [Finding(one.state, one.code, one.values) for one in found if one.state != "ok"]
        doctor.sort(key=lambda one: one.state != "fail")
        return Checks(at=at, entries=journal.entries, chain=chain, doctor=doctor, fine=len(found) - len(doctor))

    checks = Cached(check, milliseconds=_CHECKS_MS)
    return JournalPort(
        ready=lambda: parts.journal.caught_up and parts.acts.names.caught_up,
        names=lambda: parts.acts.names.state,
        page=page,
        checks=checks.get,
        desk=lambda signed: desk_of(parts, signed, None),
    )


def national_port(parts: Parts) -> NationalPort:
    """The port of the pages of the national site."""
    plans = NationalPlans(parts.settings)

    async def answer(ordered: Ordered) -> Ordered | None:
        try:
            return await answer_to(parts.log, ordered, seconds=_LOOK_SECONDS)
        except TimeoutError:
            return ordered
        except PositionLostError:  # of a log that was restored since
            return None

    return NationalPort(
        clock=parts.clock,
        ready=lambda: parts.deliveries.caught_up,
        connected=parts.settings.national is not None,
        per_minute=PER_MINUTE,
        notes=parts.deliveries.accounts,
        summaries=parts.deliveries.summaries,
        listed=parts.deliveries.listed,
        partners=parts.partners.all,
        plan=plans.get,
        answer=answer,
        desk=lambda signed, why: desk_of(parts, signed, why),
        seal=Seal(parts.secret, purpose="national page"),
    )
