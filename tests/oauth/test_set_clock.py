"""Tokens, assertions and guesses while the clock is ahead and set right: everything works at once."""

from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from gateway.errors import TokenError
from gateway.oauth.failed_attempts import ATTEMPTS
from gateway.partners.credential import mint_secret, rotate
from tests.oauth.ground import MINTED, OCCITANIE, Ground, ask, asserted, posted, reason_of
from tests.oauth.test_ended_credentials import known

Http: TypeAlias = TestClient[web.Request, web.Application]
DAY = 24 * 3_600_000
JUMPS = (DAY, 365 * DAY)


@pytest.fixture
async def client(ground: Ground) -> AsyncIterator[Http]:
    async with TestClient(TestServer(ground.app())) as found:
        yield found


@pytest.mark.parametrize("jump", JUMPS)
async def test_who_guessed_while_the_clock_was_ahead_waits_a_minute_and_not_a_day(
    client: Http, ground: Ground, jump: int
) -> None:
    right = ground.clock()
    ground.clock.set(right + jump)
    for _ in range(ATTEMPTS + 1):
        status, _ = await ask(client, posted("guess"))
    assert 429 == status
    ground.clock.set(right)
    assert 429 == (await ask(client, posted("guess")))[0]
    ground.clock.move(60)
    assert 401 == (await ask(client, posted("guess")))[0]


@pytest.mark.parametrize("jump", JUMPS)
async def test_an_assertion_is_not_taken_twice_though_the_clock_was_ahead_in_between(
    client: Http, ground: Ground, jump: int
) -> None:
    """[SEC-011]."""
    right, assertion = ground.clock(), ground.assertion()
    assert "issued" == reason_of(await ask(client, asserted(assertion)))
    ground.clock.set(right + jump)
    assert "issued" == reason_of(await ask(client, asserted(ground.assertion(jti="other"))))
    ground.clock.set(right)
    assert "assertion-replayed" == reason_of(await ask(client, asserted(assertion)))
    assert "issued" == reason_of(await ask(client, asserted(ground.assertion(jti="third"))))


@pytest.mark.parametrize("jump", JUMPS)
async def test_a_token_of_a_clock_ahead_is_refused_and_the_next_one_works(
    client: Http, ground: Ground, jump: int
) -> None:
    """It would live for a day or a year more: also where it was proved before."""
    right = ground.clock()
    ground.clock.set(right + jump)
    token: Any = (await ask(client, posted()))[1]["access_token"]
    assert "bretagne" == (await ground.verifier.verify(token)).platform
    ground.clock.set(right)
    with pytest.raises(TokenError):
        await ground.verifier.verify(token)
    fresh: Any = (await ask(client, posted()))[1]["access_token"]
    assert "bretagne" == (await ground.verifier.verify(fresh)).platform


@pytest.mark.parametrize("jump", JUMPS)
async def test_a_secret_rotated_by_a_clock_ahead_leaves_assertions_and_issuers_working(
    client: Http, ground: Ground, jump: int
) -> None:
    """[SEC-012] What ended is over; what comes after it works as soon as the clock is right."""
    right = ground.clock()
    before = ground.assertion(jti="before")
    minted = mint_secret(now=right, entropy=lambda count: b"n" * count)
    await ground.change(OCCITANIE, secrets=(MINTED.kept,))
    ground.clock.set(right + jump)
    await ground.partners.change("occitanie", lambda one: rotate(known(one), minted.kept, now=right + jump, overlap=0))
    assert "assertion-expired" == reason_of(await ask(client, asserted(before)))
    ground.clock.set(right + 1_000)
    await ground.partners.catch_up()
    assert "issued" != reason_of(await ask(client, asserted(before)))
    ground.clock.move(2)
    assert "issued" == reason_of(await ask(client, asserted(ground.assertion(jti="after"))))
    assert "issued" == reason_of(await ask(client, posted(minted.text, "occitanie")))
    assert "issued" != reason_of(await ask(client, posted(MINTED.text, "occitanie")))
