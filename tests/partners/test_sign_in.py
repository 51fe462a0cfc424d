"""Sign-in among processes: each has its own view of the same log ([SEC-015]; T-41)."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.log.port import Owner
from gateway.partners import Partners
from gateway.partners.credential import mint_secret, revoke, rotate
from gateway.partners.session import SignInError, end
from gateway.partners.sign_in import SignIns
from gateway.protocol.partner import Partner
from gateway.protocol.topic import COMMON
from tests.clock import ManualClock
from tests.memory_log import MemoryLog

SECRET = b"a secret of thirty-two bytes or so"
PARTNER = Partner(platform="bretagne", name="Bretagne", scopes=frozenset({"offers:read"}))


class Processes:
    """Two processes of a gateway, and how they see the partner."""

    def __init__(self, first: Partners, second: Partners, clock: ManualClock) -> None:
        self.partners = first, second
        self.clock = clock
        self.first, self.second = (SignIns(one, SECRET, clock=clock) for one in self.partners)

    def link(self) -> str:
        return self.first.link(PARTNER, "Personne d’essai")[0]


@pytest.fixture
async def processes() -> AsyncIterator[Processes]:
    clock = ManualClock()
    log = MemoryLog(clock=clock)
    await log.create_topics(COMMON)
    first, second = Partners(log, clock=clock), Partners(log, clock=clock)
    await first.save(PARTNER)
    await second.catch_up()
    yield Processes(first, second, clock)
    await first.close()
    await second.close()


async def test_of_many_attempts_at_once_from_two_processes_one_begins_a_session(processes: Processes) -> None:
    text = processes.link()
    attempts = [one.begin(text) for one in (processes.first, processes.second) * 4]
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    refused = [one.code for one in outcomes if isinstance(one, SignInError)]
    assert (8, ["link-used"] * 7) == (len(outcomes), refused)


async def test_a_link_that_is_looked_at_stays_usable_and_a_used_one_is_known_everywhere(processes: Processes) -> None:
    text = processes.link()
    for one in (processes.first, processes.second):
        link, partner = await one.look(text)
        assert ("Personne d’essai", PARTNER) == (link.person, partner)
    await processes.first.begin(text)
    await processes.partners[1].catch_up()
    for one in (processes.first, processes.second):
        with pytest.raises(SignInError, match="link-used"):
            await one.look(text)


class OwnedLog(MemoryLog):
    """A log that counts how often a role is taken."""

    owned = 0

    async def own(self, role: str, partition: int) -> Owner:  # type: ignore[override]  # the port's type
        self.owned += 1
        return await super().own(role, partition)


async def test_a_link_that_was_used_costs_no_further_change_of_partners() -> None:
    """Otherwise an old link, sent repeatedly, keeps operators from their acts."""
    clock = ManualClock()
    log = OwnedLog(clock=clock)
    await log.create_topics(COMMON)
    partners = Partners(log, clock=clock)
    await partners.save(PARTNER)
    sign_ins = SignIns(partners, SECRET, clock=clock)
    text, _ = sign_ins.link(PARTNER, "Personne d’essai")
    await sign_ins.begin(text)
    before = log.owned
    for _ in range(3):
        with pytest.raises(SignInError, match="link-used"):
            await sign_ins.begin(text)
    assert before == log.owned
    await partners.close()


async def test_a_cookie_of_one_process_holds_at_once_on_another(processes: Processes) -> None:
    """Also before that one has read of it."""
    signed = await processes.first.begin(processes.link())
    assert () == processes.partners[1].all()[0].sessions
    found = await processes.second.check(processes.first.cookie(signed))
    assert (signed.ticket, signed.partner) == (found.ticket, found.partner)


@pytest.mark.parametrize("by", ["sign-out", "revocation", "operator", "another secret at once"])
async def test_a_session_that_ends_on_one_process_ends_on_all(processes: Processes, by: str) -> None:
    secret = mint_secret(now=processes.clock(), entropy=lambda size: b"x" * size).kept
    await processes.partners[0].change("bretagne", lambda one: rotate(one or PARTNER, secret, now=processes.clock()))
    signed = await processes.first.begin(processes.link())
    cookie = processes.first.cookie(signed)
    await processes.second.check(cookie)
    match by:
        case "sign-out":
            await processes.second.end(signed)
        case "revocation":
            await processes.partners[1].change("bretagne", lambda one: revoke(one or PARTNER))
        case "operator":
            await processes.partners[1].change("bretagne", lambda one: end(one or PARTNER, now=processes.clock()))
        case _:
            newer = mint_secret(now=processes.clock(), entropy=lambda size: b"y" * size).kept
            await processes.partners[1].change(
                "bretagne", lambda one: rotate(one or PARTNER, newer, now=processes.clock(), overlap=0)
            )
    await processes.partners[0].catch_up()
    ended = "session-ended" if by in ("sign-out", "operator") else "session-revoked"
    for one in (processes.first, processes.second):
        with pytest.raises(SignInError, match=ended):
            await one.check(cookie)


async def test_a_platform_that_is_added_again_revives_no_session(processes: Processes) -> None:
    signed = await processes.first.begin(processes.link())
    await processes.partners[0].change("bretagne", lambda one: revoke(one or PARTNER))
    await processes.partners[0].change("bretagne", lambda _: PARTNER)
    with pytest.raises(SignInError, match="session-revoked"):
        await processes.first.check(processes.first.cookie(signed))
    with pytest.raises(SignInError, match="link-revoked"):
        await processes.second.begin(processes.link())


async def test_each_request_carries_the_session_on(processes: Processes) -> None:
    """Until its last end; a cookie from before ends by its own time."""
    signed = await processes.first.begin(processes.link())
    first = processes.first.cookie(signed)
    cookie = first
    for _ in range(17):
        processes.clock.move(28 * 60)
        if processes.clock() >= signed.ticket.ends_at:
            break
        cookie = processes.first.cookie(await processes.first.check(cookie))
    processes.clock.now = signed.ticket.ends_at - 1
    await processes.second.check(cookie)
    with pytest.raises(SignInError, match="session-idle"):
        await processes.second.check(first)
    processes.clock.move(1)
    with pytest.raises(SignInError, match="session-over"):
        await processes.second.check(cookie)


async def test_a_token_of_a_form_is_of_its_session_alone(processes: Processes) -> None:
    first = await processes.first.begin(processes.link())
    second = await processes.first.begin(processes.link())
    token = processes.first.form_token(first)
    assert token != processes.first.form_token(first)
    assert processes.second.is_form_token(first, token)
    forged = ("", "x", token[:-1], processes.first.form_token(second), processes.first.cookie(first), "é")
    assert [False] * len(forged) == [processes.second.is_form_token(first, one) for one in forged]


async def test_another_federations_secret_opens_nothing(processes: Processes) -> None:
    signed = await processes.first.begin(processes.link())
    other = SignIns(processes.partners[0], b"another secret of thirty-two bytes", clock=processes.clock)
    with pytest.raises(SignInError, match="session-missing"):
        await other.check(processes.first.cookie(signed))
    with pytest.raises(SignInError, match="link-unknown"):
        await other.begin(processes.link())
    assert not other.is_form_token(signed, processes.first.form_token(signed))
