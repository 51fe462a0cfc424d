"""Sign-in on the logs of deployments: two handles of one embedded log, as workers have, and two replicas on Kafka."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.bootstrap.log import open_log
from gateway.clock import now
from gateway.oauth.keys import KeyRing
from gateway.partners import Partners
from gateway.partners.session import SignInError
from gateway.partners.sign_in import SignIns
from gateway.protocol.partner import Partner
from gateway.protocol.topic import COMMON
from gateway.settings import Settings

SECRET = "a secret of thirty-two bytes or so"  # of tests
PARTNER = Partner(platform="bretagne", name="Bretagne", scopes=frozenset({"offers:read"}))


@dataclass(frozen=True)
class Replica:
    """One process of the gateway."""

    partners: Partners
    sign_ins: SignIns


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
async def replicas(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Sequence["Replica"]]:
    environ = {"PASSERELLE_DATA": str(tmp_path / "data"), "PASSERELLE_SECRET": SECRET}
    if request.param == "kafka":
        KeyRing.open(tmp_path / "signing.pem")
        environ |= {
            "PASSERELLE_KAFKA": request.getfixturevalue("kafka_servers"),
            "PASSERELLE_KAFKA_PREFIX": f"links-{secrets.token_hex(4)}",
            "PASSERELLE_SIGNING_KEY": str(tmp_path / "signing.pem"),
        }
    settings = Settings.from_env(environ)
    async with AsyncExitStack() as stack:
        logs = [await stack.enter_async_context(open_log(settings)) for _ in range(2)]
        await logs[0].create_topics(COMMON)
        partners = [Partners(log) for log in logs]
        for one in partners:
            stack.push_async_callback(one.close)
        await partners[0].save(PARTNER)
        await partners[1].catch_up()
        yield [Replica(one, SignIns(one, SECRET.encode(), clock=now)) for one in partners]


async def test_one_link_begins_one_session_which_holds_and_ends_on_both(replicas: Sequence[Replica]) -> None:
    """[SEC-015]: T-41."""
    first, second = (one.sign_ins for one in replicas)
    text, _ = first.link(PARTNER, "Personne d’essai")
    outcomes = await asyncio.gather(*(one.begin(text) for one in (first, second) * 3), return_exceptions=True)
    assert ["link-used"] * 5 == [one.code for one in outcomes if isinstance(one, SignInError)]
    (signed,) = (one for one in outcomes if not isinstance(one, BaseException))
    cookie = first.cookie(signed)
    for one in (first, second):
        assert signed.ticket.id == (await one.check(cookie)).ticket.id
    await second.end(signed)
    await replicas[0].partners.catch_up()
    for one in (first, second):
        with pytest.raises(SignInError, match="session-ended"):
            await one.check(cookie)
