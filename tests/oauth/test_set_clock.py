"""Tokens, assertions and guesses while the clock is ahead and set right: everything works at once."""

from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from gateway.oauth.guard import ATTEMPTS
from gateway.ports import TokenError
from tests.oauth.ground import Ground, ask, asserted, posted, reason_of

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
):
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
):
    """[SEC-011]."""
    right, assertion = ground.clock(), ground.assertion()
    assert "issued" == reason_of(await ask(client, asserted(assertion)))
    ground.clock.set(right + jump)
    assert "issued" == reason_of(await ask(client, asserted(ground.assertion(jti="other"))))
    ground.clock.set(right)
    assert "assertion-replayed" == reason_of(await ask(client, asserted(assertion)))
    assert "issued" == reason_of(await ask(client, asserted(ground.assertion(jti="third"))))


@pytest.mark.parametrize("jump", JUMPS)
async def test_a_token_of_a_clock_ahead_is_refused_and_the_next_one_works(client: Http, ground: Ground, jump: int):
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
