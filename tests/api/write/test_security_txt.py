"""``/.well-known/security.txt`` (RFC 9116), by the operator's settings."""

import re

import pytest
from aiohttp.test_utils import TestClient, TestServer

from gateway.api.app import build_app
from gateway.api.auth import scopes_of
from gateway.api.security_txt import PATH, SecurityContact, security_route
from gateway.protocol.record import read_utc
from tests.api.write.gateway_harness import GatewayHarness
from tests.clock import START

DAY = 24 * 3_600_000
CONTACT = SecurityContact(contact="a@b.example", policy="https://b.example/p", url="http://localhost")


@pytest.mark.parametrize(
    ("contact", "uri"),
    [("csirt@region.example", "mailto:csirt@region.example"), ("https://region.example/x", "https://region.example/x")],
)
def test_the_contact_is_a_uri_and_the_end_within_a_year(contact: str, uri: str) -> None:
    text = SecurityContact(contact=contact, policy=None, url="https://stages.example/api").text(START)
    fields = dict(line.split(": ", 1) for line in text.splitlines())
    assert {"Contact", "Expires", "Preferred-Languages", "Canonical"} == fields.keys()
    assert (uri, f"https://stages.example/api{PATH}") == (fields["Contact"], fields["Canonical"])
    assert 29 * DAY < read_utc(fields["Expires"]) - START <= 30 * DAY


def test_a_policy_is_named_and_no_canonical_address_without_tls() -> None:
    text = CONTACT.text(START)
    assert "\nPolicy: https://b.example/p\n" in text
    assert "Canonical" not in text


async def test_anyone_reads_it_as_plain_text(gateway: GatewayHarness) -> None:
    route = security_route(CONTACT, gateway.clock)
    assert ("public",) == scopes_of(route.handler)
    app = build_app(gateway.context)
    app.add_routes([route])
    async with TestClient(TestServer(app)) as client, client.get(PATH) as answer:
        text = await answer.text()
    assert (200, "text/plain; charset=utf-8") == (answer.status, answer.headers["Content-Type"])
    assert all(re.fullmatch(r"[A-Z][A-Za-z-]+: \S.*", line) for line in text.splitlines())
    assert text == CONTACT.text(gateway.clock())


async def test_without_a_contact_there_is_no_such_address(gateway: GatewayHarness) -> None:
    assert 404 == (await gateway.ask("GET", PATH, who=None)).status
