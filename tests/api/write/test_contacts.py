"""``/v1/partners/{platform}/contacts``: who receives notices, for the operator alone (SEC-017)."""

from copy import copy
from dataclasses import replace
from typing import Any

from aiohttp.test_utils import TestClient, TestServer

from gateway.api.app import build_app
from gateway.protocol.topic import COMMON, CONTACTS
from tests.api.write.gateway_harness import Answer, GatewayHarness
from tests.api.write.test_openapi import held_to
from tests.api.write.test_partners import OPERATOR, acts

PATH = "/v1/partners/{platform}/contacts"
WISH = {"address": "name@example.org", "name": "Name of a person", "language": "fr"}


async def ask(gateway: GatewayHarness, body: Any, contact: str = "", *, who: str = OPERATOR) -> Answer:
    """An act, held to the contract."""
    path, end = PATH.replace("{platform}", "bretagne"), f"/{contact}" if contact else ""
    answer = await gateway.ask("POST", path + end, json=body, who=who)
    assert [] == held_to("POST", PATH + ("/{contact}" if contact else ""), answer), answer.raw
    return answer


async def test_contacts_are_added_listed_changed_and_erased(gateway: GatewayHarness) -> None:
    """SEC-017"""
    refused = await ask(gateway, WISH)
    assert (422, "contact-refused") == (refused.status, refused.code), "it sends no mails"
    app = build_app(replace(gateway.context, mails=True))
    async with TestClient(TestServer(app)) as client:
        mailing = copy(gateway)
        mailing.url = str(client.make_url("")).rstrip("/")
        added = await ask(mailing, WISH)
        assert (201, WISH["address"]) == (added.status, added.body["address"])
        contact = added.body["id"]
        assert "contact-refused" == (await ask(mailing, WISH)).code
        listed = await gateway.ask("GET", PATH.replace("{platform}", "bretagne"), who=OPERATOR)
        assert [] == held_to("GET", PATH, listed)
        assert [contact] == [one["id"] for one in listed.body["contacts"]]
        assert 200 == (await ask(mailing, {"action": "choose", "choices": {"ends": "never"}}, contact)).status
        assert 404 == (await ask(mailing, {"action": "stop"}, "nobody")).status
        assert 400 == (await ask(mailing, {"action": "other"}, contact)).status
        assert 403 == (await ask(mailing, WISH, who="normandie/offers:read")).status
        assert 200 == (await ask(mailing, {"action": "erase", "reason": "Asked for"}, contact)).status
    assert [("contact.add", "bretagne"), ("contact.choose", "bretagne"), ("contact.erase", "bretagne")] == await acts(
        gateway
    )
    others = [topic.name for topic in COMMON if topic.name != CONTACTS]
    kept = [record.value for topic in others for record in await gateway.records(topic)]
    assert b"example.org" not in b"".join(value or b"" for value in kept)
