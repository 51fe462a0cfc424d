"""Tokens, assertions and failed attempts while the clock is ahead and corrected: everything works at once."""

from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from gateway.errors import TokenError
from gateway.oauth.failed_attempts import ATTEMPTS
from gateway.partners.credential import mint_secret, rotate
from tests.oauth.oauth_harness import MINTED, OCCITANIE, OAuthHarness, ask, asserted, posted, reason_of
from tests.oauth.test_ended_credentials import known

Http: TypeAlias = TestClient[web.Request, web.Application]
DAY = 24 * 3_600_000
JUMPS = (DAY, 365 * DAY)


@pytest.fixture
async def client(harness: OAuthHarness) -> AsyncIterator[Http]:
    async with TestClient(TestServer(harness.app())) as found:
        yield found


@pytest.mark.parametrize("jump", JUMPS)
async def test_failed_attempts_made_with_a_clock_ahead_delay_a_minute_and_not_a_day(
    client: Http, harness: OAuthHarness, jump: int
) -> None:
    right = harness.clock()
    harness.clock.now = right + jump
    for _ in range(ATTEMPTS + 1):
        status, _ = await ask(client, posted("guess"))
    assert 429 == status
    harness.clock.now = right
    assert 429 == (await ask(client, posted("guess")))[0]
    harness.clock.move(60)
    assert 401 == (await ask(client, posted("guess")))[0]


@pytest.mark.parametrize("jump", JUMPS)
async def test_an_assertion_is_not_taken_twice_though_the_clock_was_ahead_in_between(
    client: Http, harness: OAuthHarness, jump: int
) -> None:
    """[SEC-011]."""
    right, assertion = harness.clock(), harness.assertion()
    assert "issued" == reason_of(await ask(client, asserted(assertion)))
    harness.clock.now = right + jump
    assert "issued" == reason_of(await ask(client, asserted(harness.assertion(jti="other"))))
    harness.clock.now = right
    assert "assertion-replayed" == reason_of(await ask(client, asserted(assertion)))
    assert "issued" == reason_of(await ask(client, asserted(harness.assertion(jti="third"))))


@pytest.mark.parametrize("jump", JUMPS)
async def test_a_token_of_a_clock_ahead_is_refused_and_the_next_one_works(
    client: Http, harness: OAuthHarness, jump: int
) -> None:
    """It would be valid for a day or a year more: also where it was verified before."""
    right = harness.clock()
    harness.clock.now = right + jump
    token: Any = (await ask(client, posted()))[1]["access_token"]
    assert "bretagne" == (await harness.verifier.verify(token)).platform
    harness.clock.now = right
    with pytest.raises(TokenError):
        await harness.verifier.verify(token)
    fresh: Any = (await ask(client, posted()))[1]["access_token"]
    assert "bretagne" == (await harness.verifier.verify(fresh)).platform


@pytest.mark.parametrize("jump", JUMPS)
async def test_a_secret_rotated_by_a_clock_ahead_leaves_assertions_and_issuers_working(
    client: Http, harness: OAuthHarness, jump: int
) -> None:
    """[SEC-012] Ended credentials stay ended; later ones work as soon as the clock is right."""
    right = harness.clock()
    before = harness.assertion(jti="before")
    minted = mint_secret(now=right, entropy=lambda count: b"n" * count)
    await harness.change(OCCITANIE, secrets=(MINTED.kept,))
    harness.clock.now = right + jump
    await harness.partners.change("occitanie", lambda one: rotate(known(one), minted.kept, now=right + jump, overlap=0))
    assert "assertion-expired" == reason_of(await ask(client, asserted(before)))
    harness.clock.now = right + 1_000
    await harness.partners.catch_up()
    assert "issued" != reason_of(await ask(client, asserted(before)))
    harness.clock.move(2)
    assert "issued" == reason_of(await ask(client, asserted(harness.assertion(jti="after"))))
    assert "issued" == reason_of(await ask(client, posted(minted.text, "occitanie")))
    assert "issued" != reason_of(await ask(client, posted(MINTED.text, "occitanie")))
