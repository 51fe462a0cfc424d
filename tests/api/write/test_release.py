"""The release that a document is judged under: in its receipt, in the discovery, and beside the offer on the log."""

import schemas
from gateway.protocol.record import read_offer
from gateway.protocol.topic import OFFERS
from tests.api.write.gateway_harness import GatewayHarness, offer
from tests.harness import records_of

MAIL = "Écrire à jean@exemple.fr ou à jeanne@exemple.fr."


async def test_a_receipt_and_the_discovery_name_the_release(gateway: GatewayHarness) -> None:
    """RCP-001, PUB-008: versions of schema and rules as one name."""
    receipt = (await gateway.put(offer(1))).body
    discovery = (await gateway.ask("GET", "/.well-known/passerelle")).body
    expected = schemas.RELEASE, *schemas.RELEASE.split("-")
    for body in (receipt, discovery):
        assert expected == (body["release"], body["schema_version"], body["rules_version"])


async def test_an_offer_on_the_log_names_its_release_and_the_codes_that_warned(gateway: GatewayHarness) -> None:
    """EVO-002: each code once, without the values; its marker has neither."""
    await gateway.put(offer(1, description=MAIL, employer={"name": MAIL}))
    await gateway.put(offer(2))
    await gateway.ask("DELETE", "/v1/offers/bretagne:2?revision=2", headers={"Prefer": "wait=10"})
    states = [read_offer(one.key or b"", one.value or b"") for one in await records_of(gateway.log, OFFERS)]
    found = {(one.id, one.release, one.warned) for one in states}
    names = [one.warned.count("personal-data") for one in states if one.id == "bretagne:1"]
    assert {("bretagne:2", schemas.RELEASE), ("bretagne:2", None), ("bretagne:1", schemas.RELEASE)} == {
        (offer_id, release) for offer_id, release, _ in found
    }
    assert ([1], ()) == (names, next(warned for _, release, warned in found if release is None))
