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
from tests.oauth.ground import BRETAGNE, OCCITANIE, Ground, ask, asserted, posted
from tests.oauth.issuer import Issuer, foreign, refused
from tests.oauth.test_verifier import own

HOUR = 3_600_000
OTHER_KEY = ECKey.generate_key("P-256", {"kid": "two"})


async def issued(client: TestClient[Any, Any], form: dict[str, str]) -> str:
    status, members = await ask(client, form)
    assert 200 == status, members
    return str(members["access_token"])


async def holds(ground: Ground, *tokens: str) -> list[bool]:
    """Whether each token still opens anything; asked of a replica that starts now as well."""
    found = []
    partners = Partners(ground.log, clock=ground.clock)
    await partners.catch_up()
    fresh = replace(ground, partners=partners)
    for token in tokens:
        here, there = [await _holds(one, token) for one in (ground, fresh)]
        assert here == there
        found.append(here)
    await partners.close()
    return found


async def _holds(ground: Ground, token: str) -> bool:
    try:
        await ground.verifier.verify(token)
    except TokenError:
        return False
    return True


def fresh(ground: Ground, letter: bytes) -> MintedSecret:
    return mint_secret(now=ground.clock(), entropy=lambda count: letter * count)


async def rotated(ground: Ground, letter: bytes, *, overlap: int) -> MintedSecret:
    minted = fresh(ground, letter)
    await ground.partners.change(
        "bretagne", lambda partner: rotate(known(partner), minted.kept, now=ground.clock(), overlap=overlap)
    )
    return minted


def known(partner: Partner | None) -> Partner:
    assert partner is not None
    return partner


async def revoked(ground: Ground, slug: str) -> None:
    await ground.partners.change(slug, lambda partner: revoke(known(partner)))


async def test_a_platform_let_in_again_does_not_bring_its_tokens_back(
    ground: Ground, client: TestClient[Any, Any]
) -> None:
    token, old = await issued(client, posted()), own(ground)
    assert [True, True] == await holds(ground, token, old)
    await revoked(ground, "bretagne")
    assert [False, False] == await holds(ground, token, old)
    minted = fresh(ground, b"n")
    await ground.partners.save(replace(BRETAGNE, secrets=(minted.kept,)))
    assert [False, False] == await holds(ground, token, old)
    assert [True] == await holds(ground, await issued(client, posted(minted.text)))


async def test_not_even_with_the_same_secret_or_key(ground: Ground, client: TestClient[Any, Any]) -> None:
    tokens = [await issued(client, posted()), await issued(client, asserted(ground.assertion()))]
    for slug, partner in (("bretagne", BRETAGNE), ("occitanie", OCCITANIE)):
        await revoked(ground, slug)
        await ground.partners.save(partner)
    assert [False, False] == await holds(ground, *tokens)


async def test_a_rotation_without_overlap_ends_the_tokens_and_one_with_overlap_keeps_them(
    ground: Ground, client: TestClient[Any, Any]
) -> None:
    first, old = await issued(client, posted()), own(ground)
    second = await rotated(ground, b"2", overlap=HOUR)
    newer = await issued(client, posted(second.text))
    assert [True, True, True] == await holds(ground, first, newer, old)
    third = await rotated(ground, b"3", overlap=0)
    last = await issued(client, posted(third.text))
    assert [False, False, False, True] == await holds(ground, first, newer, old, last)


async def test_a_token_ends_with_the_overlap_of_its_secret(ground: Ground, client: TestClient[Any, Any]) -> None:
    ground.clock.move(1)
    second = await rotated(ground, b"2", overlap=HOUR // 2)
    first, newer = await issued(client, posted()), await issued(client, posted(second.text))
    ground.clock.move(1_799)
    assert [True, True] == await holds(ground, first, newer)
    ground.clock.move(1)
    assert [False, True] == await holds(ground, first, newer)


async def test_rotating_again_within_the_overlap_ends_the_eldests_tokens_alone(
    ground: Ground, client: TestClient[Any, Any]
) -> None:
    first = await issued(client, posted())
    second = await rotated(ground, b"2", overlap=HOUR)
    newer = await issued(client, posted(second.text))
    await rotated(ground, b"3", overlap=HOUR)
    assert [False, True] == await holds(ground, first, newer)


async def test_a_key_that_is_removed_takes_its_tokens_with_it(ground: Ground, client: TestClient[Any, Any]) -> None:
    token = await issued(client, asserted(ground.assertion()))
    both = {"keys": [*OCCITANIE.jwks["keys"], OTHER_KEY.as_dict(private=False)]}  # type: ignore[index,misc]  # a set
    await ground.change(OCCITANIE, jwks=both)
    assert [True] == await holds(ground, token)
    await ground.change(OCCITANIE, jwks={"keys": both["keys"][1:]})
    assert [False] == await holds(ground, token)
    await ground.change(OCCITANIE)
    assert [False] == await holds(ground, token)


async def test_a_token_with_a_claim_of_its_own_making_opens_nothing(ground: Ground) -> None:
    assert [True] == await holds(ground, own(ground))
    made_up = [own(ground, generation="x"), own(ground, generation=7), own(ground, credential="x")]
    assert [False] * 3 == await holds(ground, *made_up)
    await revoked(ground, "bretagne")
    await ground.partners.save(BRETAGNE)
    assert [False, False] == await holds(ground, own(ground, generation=""), own(ground, generation="é\ud800"[:1]))


async def test_an_assertion_made_before_the_revocation_proves_nothing_afterwards(
    ground: Ground, client: TestClient[Any, Any]
) -> None:
    before = ground.assertion(jti="unused")
    await revoked(ground, "occitanie")
    ground.clock.move(2)
    await ground.partners.save(OCCITANIE)
    assert 401 == (await ask(client, asserted(before)))[0]
    ground.clock.move(1)
    assert 200 == (await ask(client, asserted(ground.assertion(jti="made since"))))[0]


async def test_an_assertion_that_was_used_stays_used(ground: Ground, client: TestClient[Any, Any]) -> None:
    used = ground.assertion(iat=None)
    first_use = first_use_on(Requests(ground.log))
    assert await first_use("occitanie", "first")
    await issued(client, asserted(used))
    await revoked(ground, "occitanie")
    await ground.partners.save(OCCITANIE)
    assert 401 == (await ask(client, asserted(used)))[0]
    assert not await first_use_on(Requests(ground.log))("occitanie", "first")


async def test_an_external_issuers_token_ends_when_the_partner_names_another(away: Ground, issuer: Issuer) -> None:
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
    away: Ground,
    issuer: Issuer,
    iat: object,
) -> None:
    partner = known(away.partners.get("bretagne"))
    await revoked(away, "bretagne")
    await away.partners.save(partner)
    away.clock.move(60)
    await refused(away, foreign(away, issuer, iat=iat))
