"""A token ends with the credential that it was issued for, and no later change of the partner brings it back (SEC-001,
SEC-012).
"""

from dataclasses import replace
from typing import Any

import pytest
from aiohttp.test_utils import TestClient
from joserfc.jwk import ECKey

from gateway.errors import TokenError
from gateway.ingest.idempotency import Requests
from gateway.oauth.client_assertion import first_use_on
from gateway.partners import Partners
from gateway.partners.credential import MintedSecret, mint_secret, revoke, rotate
from gateway.protocol.partner import Partner
from tests.oauth.issuer import Issuer, foreign, refused
from tests.oauth.oauth_harness import BRETAGNE, OCCITANIE, OAuthHarness, ask, asserted, posted
from tests.oauth.test_verifier import own

HOUR = 3_600_000
OTHER_KEY = ECKey.generate_key("P-256", {"kid": "two"})


async def issued(client: TestClient[Any, Any], form: dict[str, str]) -> str:
    status, members = await ask(client, form)
    assert 200 == status, members
    return str(members["access_token"])


async def holds(harness: OAuthHarness, *tokens: str) -> list[bool]:
    """Whether each token is still accepted; also by a replica that starts now."""
    found = []
    partners = Partners(harness.log, clock=harness.clock)
    await partners.catch_up()
    fresh = replace(harness, partners=partners)
    for token in tokens:
        here, there = [await _holds(one, token) for one in (harness, fresh)]
        assert here == there
        found.append(here)
    await partners.close()
    return found


async def _holds(harness: OAuthHarness, token: str) -> bool:
    try:
        await harness.verifier.verify(token)
    except TokenError:
        return False
    return True


def fresh(harness: OAuthHarness, letter: bytes) -> MintedSecret:
    return mint_secret(now=harness.clock(), entropy=lambda count: letter * count)


async def rotated(harness: OAuthHarness, letter: bytes, *, overlap: int) -> MintedSecret:
    minted = fresh(harness, letter)
    await harness.partners.change(
        "bretagne", lambda partner: rotate(known(partner), minted.kept, now=harness.clock(), overlap=overlap)
    )
    return minted


def known(partner: Partner | None) -> Partner:
    assert partner is not None
    return partner


async def revoked(harness: OAuthHarness, slug: str) -> None:
    await harness.partners.change(slug, lambda partner: revoke(known(partner)))


async def test_a_platform_added_again_does_not_revive_its_tokens(
    harness: OAuthHarness, client: TestClient[Any, Any]
) -> None:
    token, old = await issued(client, posted()), own(harness)
    assert [True, True] == await holds(harness, token, old)
    await revoked(harness, "bretagne")
    assert [False, False] == await holds(harness, token, old)
    minted = fresh(harness, b"n")
    await harness.partners.save(replace(BRETAGNE, secrets=(minted.kept,)))
    assert [False, False] == await holds(harness, token, old)
    assert [True] == await holds(harness, await issued(client, posted(minted.text)))


async def test_not_even_with_the_same_secret_or_key(harness: OAuthHarness, client: TestClient[Any, Any]) -> None:
    tokens = [await issued(client, posted()), await issued(client, asserted(harness.assertion()))]
    for slug, partner in (("bretagne", BRETAGNE), ("occitanie", OCCITANIE)):
        await revoked(harness, slug)
        await harness.partners.save(partner)
    assert [False, False] == await holds(harness, *tokens)


async def test_a_rotation_without_overlap_ends_the_tokens_and_one_with_overlap_keeps_them(
    harness: OAuthHarness, client: TestClient[Any, Any]
) -> None:
    first, old = await issued(client, posted()), own(harness)
    second = await rotated(harness, b"2", overlap=HOUR)
    newer = await issued(client, posted(second.text))
    assert [True, True, True] == await holds(harness, first, newer, old)
    third = await rotated(harness, b"3", overlap=0)
    last = await issued(client, posted(third.text))
    assert [False, False, False, True] == await holds(harness, first, newer, old, last)


async def test_a_token_ends_with_the_overlap_of_its_secret(harness: OAuthHarness, client: TestClient[Any, Any]) -> None:
    harness.clock.move(1)
    second = await rotated(harness, b"2", overlap=HOUR // 2)
    first, newer = await issued(client, posted()), await issued(client, posted(second.text))
    harness.clock.move(1_799)
    assert [True, True] == await holds(harness, first, newer)
    harness.clock.move(1)
    assert [False, True] == await holds(harness, first, newer)


async def test_rotating_again_within_the_overlap_ends_the_eldests_tokens_alone(
    harness: OAuthHarness, client: TestClient[Any, Any]
) -> None:
    first = await issued(client, posted())
    second = await rotated(harness, b"2", overlap=HOUR)
    newer = await issued(client, posted(second.text))
    await rotated(harness, b"3", overlap=HOUR)
    assert [False, True] == await holds(harness, first, newer)


async def test_a_key_that_is_removed_takes_its_tokens_with_it(
    harness: OAuthHarness, client: TestClient[Any, Any]
) -> None:
    token = await issued(client, asserted(harness.assertion()))
    both = {"keys": [*OCCITANIE.jwks["keys"], OTHER_KEY.as_dict(private=False)]}  # type: ignore[index,misc]  # a set
    await harness.change(OCCITANIE, jwks=both)
    assert [True] == await holds(harness, token)
    await harness.change(OCCITANIE, jwks={"keys": both["keys"][1:]})
    assert [False] == await holds(harness, token)
    await harness.change(OCCITANIE)
    assert [False] == await holds(harness, token)


async def test_a_token_with_an_invented_claim_gives_no_access(harness: OAuthHarness) -> None:
    assert [True] == await holds(harness, own(harness))
    made_up = [own(harness, generation="x"), own(harness, generation=7), own(harness, credential="x")]
    assert [False] * 3 == await holds(harness, *made_up)
    await revoked(harness, "bretagne")
    await harness.partners.save(BRETAGNE)
    assert [False, False] == await holds(harness, own(harness, generation=""), own(harness, generation="é\ud800"[:1]))


async def test_an_assertion_made_before_the_revocation_proves_nothing_afterwards(
    harness: OAuthHarness, client: TestClient[Any, Any]
) -> None:
    before = harness.assertion(jti="unused")
    await revoked(harness, "occitanie")
    harness.clock.move(2)
    await harness.partners.save(OCCITANIE)
    assert 401 == (await ask(client, asserted(before)))[0]
    harness.clock.move(1)
    assert 200 == (await ask(client, asserted(harness.assertion(jti="made since"))))[0]


async def test_an_assertion_that_was_used_stays_used(harness: OAuthHarness, client: TestClient[Any, Any]) -> None:
    used = harness.assertion(iat=None)
    first_use = first_use_on(Requests(harness.log))
    assert await first_use("occitanie", "first")
    await issued(client, asserted(used))
    await revoked(harness, "occitanie")
    await harness.partners.save(OCCITANIE)
    assert 401 == (await ask(client, asserted(used)))[0]
    assert not await first_use_on(Requests(harness.log))("occitanie", "first")


async def test_an_external_issuers_token_ends_when_the_partner_names_another(
    away: OAuthHarness, issuer: Issuer
) -> None:
    token = foreign(away, issuer, iat=away.clock() // 1000)
    assert "bretagne" == (await away.verifier.verify(token)).platform
    partner = known(away.partners.get("bretagne"))
    await away.partners.save(replace(partner, issuer=None))
    await refused(away, token)
    away.clock.move(2)
    await away.partners.save(replace(partner, issuer=partner.issuer))
    await refused(away, token)
    away.clock.move(2)
    fresh_one = foreign(away, issuer, iat=away.clock() // 1000, jti="2")
    assert "bretagne" == (await away.verifier.verify(fresh_one)).platform


@pytest.mark.parametrize("iat", [None, "now", float("nan")])
async def test_an_external_token_without_a_time_belongs_to_no_later_generation(
    away: OAuthHarness,
    issuer: Issuer,
    iat: object,
) -> None:
    partner = known(away.partners.get("bretagne"))
    await revoked(away, "bretagne")
    await away.partners.save(partner)
    away.clock.move(60)
    await refused(away, foreign(away, issuer, iat=iat))
