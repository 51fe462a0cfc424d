"""What the operator's pages of partners, journal and national site need of the federation."""

from collections.abc import Sequence

from adapters.national.site.timing import PER_MINUTE
from gateway.bootstrap.doctor import examine_running
from gateway.bootstrap.national_plan import NationalPlans
from gateway.errors import PositionLostError
from gateway.federation import Federation
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
from gateway.runtime.keys import load_secret
from gateway.settings import Settings

_LOOK_SECONDS = 1.0
_CHECKS_MS = 10_000
"""The journal is read as a whole for the checks, once for all who ask for them together."""


def desk_of(federation: Federation, signed: Signed, why: str | None) -> Desk:
    """The desk at which the person of a session acts, through the session's platform."""
    return Desk(
        log=federation.log,
        partners=federation.partners,
        journal=federation.acts,
        actor=signed.actor,
        why=why or None,
        clock=federation.clock,
    )


def partners_port(federation: Federation, sign_ins: SignIns, url: str) -> PartnersPort:
    """The port of the pages of the platforms that take part."""
    return PartnersPort(
        clock=federation.clock,
        catch_up=federation.partners.catch_up,
        all=federation.partners.all,
        get=federation.partners.get,
        desk=lambda signed, why: desk_of(federation, signed, why),
        sign_ins=sign_ins,
        url=url,
    )


def journal_port(settings: Settings, federation: Federation) -> JournalPort:
    """The port of the pages of the journal."""
    secret = load_secret(settings.secret, folder=settings.data)

    async def page(before: int | None, limit: int, asked: JournalFilter) -> tuple[Sequence[Entry], bool]:
        entries, _, more = await federation.journal.page(before=before, limit=limit, asked=asked)
        return entries, more

    async def check() -> Checks:
        chain: list[ChainFinding] = []
        at = federation.clock()
        journal = await audit_journal(federation.log, chain.append, secret=secret, clock=federation.clock)
        found = await examine_running(settings, federation.log, federation.partners, clock=federation.clock)
        doctor = [Finding(one.state, one.code, one.values) for one in found if one.state != "ok"]
        doctor.sort(key=lambda one: one.state != "fail")
        return Checks(at=at, entries=journal.entries, chain=chain, doctor=doctor, fine=len(found) - len(doctor))

    checks = Cached(check, milliseconds=_CHECKS_MS)
    return JournalPort(
        ready=lambda: federation.journal.caught_up and federation.acts.names.caught_up,
        names=lambda: federation.acts.names.state,
        page=page,
        checks=checks.get,
        desk=lambda signed: desk_of(federation, signed, None),
    )


def national_port(settings: Settings, federation: Federation) -> NationalPort:
    """The port of the pages of the national site."""
    plans = NationalPlans(settings)

    async def answer(ordered: Ordered) -> Ordered | None:
        try:
            return await answer_to(federation.log, ordered, seconds=_LOOK_SECONDS)
        except TimeoutError:
            return ordered
        except PositionLostError:  # of a log that was restored since
            return None

    return NationalPort(
        clock=federation.clock,
        ready=lambda: federation.deliveries.caught_up,
        connected=settings.national is not None,
        per_minute=PER_MINUTE,
        notes=federation.deliveries.accounts,
        summaries=federation.deliveries.summaries,
        listed=federation.deliveries.listed,
        partners=federation.partners.all,
        plan=plans.get,
        answer=answer,
        desk=lambda signed, why: desk_of(federation, signed, why),
        seal=Seal(load_secret(settings.secret, folder=settings.data), purpose="national page"),
    )
