"""The links of the demo work as often as they are opened; the link of a person behind them serves once."""

from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from demo.doorway import serving_doorways
from demo.mailbox import Mailbox
from gateway.operate.desk import Desk
from gateway.operate.journal import Journal
from gateway.partners import Partners
from gateway.partners.session import SignInError
from gateway.partners.sign_in import SignIns
from gateway.protocol.journal import Actor
from gateway.protocol.partner import Partner
from gateway.protocol.topic import COMMON
from tests.clock import ManualClock
from tests.harness import SECRET
from tests.memory_log import MemoryLog

PARTNER = Partner(platform="bretagne", name="Bretagne", scopes=frozenset({"offers:read"}))
GATEWAY = "http://127.0.0.1:18081"
HOUR = 3_600.0


async def test_each_request_of_a_doorway_leads_to_a_link_of_its_own_hours_later_too() -> None:
    clock = ManualClock()
    log = MemoryLog(clock=clock)
    await log.create_topics(COMMON)
    partners, journal = Partners(log, clock=clock), Journal(log, secret=SECRET, clock=clock)
    sign_ins = SignIns(partners, SECRET, clock=clock)
    desk = Desk(log=log, partners=partners, journal=journal, actor=Actor(name="Démonstration"), clock=clock)
    try:
        await partners.save(PARTNER)
        slugs = {"plateforme": PARTNER.platform}
        async with (
            serving_doorways(desk, sign_ins, Mailbox(), url=GATEWAY, slugs=slugs) as addresses,
            aiohttp.ClientSession() as session,
        ):
            first = await _opened(session, addresses["plateforme"])
            assert PARTNER.platform == (await sign_ins.begin(first)).partner.platform
            with pytest.raises(SignInError):
                await sign_ins.begin(first)
            clock.move(5 * HOUR)
            later = await sign_ins.begin(await _opened(session, addresses["plateforme"]))
            assert PARTNER.platform == later.partner.platform
            guessed = addresses["plateforme"].replace(urlsplit(addresses["plateforme"]).path, "/plateforme")
            async with session.get(guessed, allow_redirects=False) as answer:
                assert HTTPStatus.NOT_FOUND == answer.status
    finally:
        await partners.close()
        await journal.close()


async def _opened(session: aiohttp.ClientSession, address: str) -> str:
    """The sealed link to which a doorway leads."""
    async with session.get(address, allow_redirects=False) as answer:
        assert HTTPStatus.SEE_OTHER == answer.status
        location = answer.headers["Location"]
    assert location.startswith(f"{GATEWAY}/connexion?")
    return parse_qs(urlsplit(location).query)["link"][0]
