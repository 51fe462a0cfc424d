"""``/v1/partners``: the operator adds, reads, changes and revokes partners, gives secrets, and signs persons in."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
import structlog
from aiohttp.test_utils import TestClient, TestServer
from joserfc.jwk import ECKey

from gateway.api.app import build_app
from gateway.partners.credential import matching_secret
from gateway.protocol.journal import JournalEntry, read_entry
from gateway.protocol.topic import COMMON, JOURNAL
from tests.api.write.gateway_harness import Answer, GatewayHarness
from tests.api.write.test_openapi import held_to

OPERATOR = "normandie/operate"
PERSON = "Name of a person"
JWKS = {"keys": [ECKey.generate_key("P-256", auto_kid=True).as_dict(private=False, alg="ES256", use="sig")]}


async def act(
    gateway: GatewayHarness, path: str, body: Any, *, method: str = "POST", who: str = OPERATOR, **headers: str
) -> Answer:
    """An act of the operator, held to the contract."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = await gateway.ask(method, f"/v1/partners{path}", json=body, who=who, headers=sent)
    template = "/v1/partners" + "/".join(["", "{platform}", *path.split("/")[2:]][: 1 + path.count("/")])
    assert [] == held_to(method, template.rstrip("/"), answer), answer.raw
    assert "no-store" == answer.headers["Cache-Control"]
    return answer


async def entries(gateway: GatewayHarness) -> list[JournalEntry]:
    return [read_entry(record.value or b"") for record in await gateway.records(JOURNAL)]


async def acts(gateway: GatewayHarness) -> list[tuple[str, str]]:
    return [(entry.act, entry.about) for entry in await entries(gateway)]


async def on_the_log(gateway: GatewayHarness) -> bytes:
    found = [record for topic in COMMON for record in await gateway.records(topic.name)]
    return b"\n".join((record.key or b"") + b" " + (record.value or b"") for record in found)


def opens(gateway: GatewayHarness, slug: str, secret: str) -> bool:
    """Whether a secret is one of a platform's live ones."""
    partner = gateway.context.federation.partners.get(slug)
    assert partner is not None
    return matching_secret(secret, partner.secrets, now=gateway.clock()) is not None


async def test_a_platform_is_added_read_changed_and_revoked_and_each_is_an_entry(gateway: GatewayHarness) -> None:
    """SEC-017"""
    added = await act(gateway, "", {"platform": "grand-est", "departments": ["67"], "reason": "Signed, 06 12 34 56 78"})
    assert (201, "/v1/partners/grand-est") == (added.status, added.headers["Location"])
    assert opens(gateway, "grand-est", added.body["client_secret"])
    read = await gateway.ask("GET", "/v1/partners/grand-est", who=OPERATOR)
    assert added.body["partner"] == read.body
    assert [] == held_to("GET", "/v1/partners/{platform}", read)
    listed = await gateway.ask("GET", "/v1/partners", who=OPERATOR)
    assert [] == held_to("GET", "/v1/partners", listed)
    assert {"bretagne": False, "gone": True, "grand-est": False, "normandie": False} == {
        one["platform"]: one["revoked"] for one in listed.body["partners"]
    }
    changed = await act(gateway, "/grand-est", {"departments": [], "scopes": ["offers:read"]}, method="PATCH")
    assert ([], ["offers:read"]) == (changed.body["partner"]["departments"], changed.body["partner"]["scopes"])
    assert {"before": "67", "now": "all departments"} == changed.body["changes"]["territory"]
    same = await act(gateway, "/grand-est", {"scopes": ["offers:read"]}, method="PATCH")
    assert (200, {}) == (same.status, same.body["changes"])
    revoked = await act(gateway, "/grand-est/revocation", {})
    assert (True, [], "") == tuple(revoked.body["partner"][name] for name in ("revoked", "secrets", "newest_secret"))
    found = await entries(gateway)
    assert ["partner.add", "partner.set", "partner.revoke"] == [entry.act for entry in found]
    assert {("grand-est", "normandie", None)} == {(entry.about, entry.client, entry.person) for entry in found}
    assert ["Signed, […]", None, None] == [entry.why for entry in found]


async def test_a_new_secret_is_in_its_answer_alone(gateway: GatewayHarness) -> None:
    """SEC-017, SEC-003"""
    with structlog.testing.capture_logs() as lines:
        added = await act(gateway, "", {"platform": "grand-est"})
        known = added.body["partner"]["newest_secret"]
        renewed = await act(gateway, "/grand-est/secrets", {"replaces": known}, Idempotency_Key="a-key")
    stored, read = await on_the_log(gateway), (await gateway.ask("GET", "/v1/partners", who=OPERATOR)).raw
    for answer in (added, renewed):
        secret = answer.body["client_secret"]
        assert ("grand-est", True) == (answer.body["client_id"], opens(gateway, "grand-est", secret))
        assert secret.encode() not in stored + read
        assert secret not in str(lines)
    partner = gateway.context.federation.partners.get("grand-est")
    assert partner is not None
    assert not any(one.hash.encode() in added.raw + renewed.raw + read for one in partner.secrets)


async def test_a_repeated_replacement_makes_no_second_secret(gateway: GatewayHarness) -> None:
    """SEC-017: the first secret would end before anyone has the one that replaced it."""
    added = await act(gateway, "", {"platform": "grand-est"})
    document = {"replaces": added.body["partner"]["newest_secret"]}
    first = await act(gateway, "/grand-est/secrets", document)
    for _ in range(2):
        again = await act(gateway, "/grand-est/secrets", document)
        assert (409, "secret-changed") == (again.status, again.code)
    assert opens(gateway, "grand-est", added.body["client_secret"])
    assert opens(gateway, "grand-est", first.body["client_secret"])
    assert ["partner.add", "partner.rotate"] == [name for name, _ in await acts(gateway)]
    ended = await act(
        gateway, "/grand-est/secrets", {"replaces": first.body["partner"]["newest_secret"], "overlap_hours": 0}
    )
    assert not opens(gateway, "grand-est", first.body["client_secret"])
    assert opens(gateway, "grand-est", ended.body["client_secret"])


async def test_keys_and_issuer_are_set_and_removed(gateway: GatewayHarness) -> None:
    added = await act(gateway, "", {"platform": "grand-est", "jwks": JWKS})
    assert (201, False, True) == (added.status, "client_secret" in added.body, "jwks" in added.body["partner"])
    issuer = "https://issuer.example/tenant"
    assert issuer == (await act(gateway, "/grand-est", {"issuer": issuer}, method="PATCH")).body["partner"]["issuer"]
    removed = await act(gateway, "/grand-est", {"jwks": None, "issuer": None}, method="PATCH")
    assert not {"jwks", "issuer"} & removed.body["partner"].keys()


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "", {"platform": "bretagne"}, 409, "partner-present"),
        ("POST", "", {"platform": "No Slug", "name": "x"}, 422, "partner-invalid"),
        ("POST", "", {"platform": "unknown-one"}, 422, "partner-invalid"),
        ("POST", "", {"platform": "new", "name": "x", "scopes": ["everything"]}, 422, "partner-invalid"),
        ("PATCH", "/bretagne", {"departments": ["999"]}, 422, "partner-invalid"),
        ("PATCH", "/bretagne", {"issuer": "http://plain.example"}, 422, "partner-invalid"),
        ("PATCH", "/gone", {"name": "x"}, 409, "partner-revoked"),
        ("PATCH", "/nobody", {"name": "x"}, 404, "not-found"),
        ("POST", "/gone/secrets", {"replaces": ""}, 409, "partner-revoked"),
        ("POST", "/nobody/secrets", {"replaces": ""}, 404, "not-found"),
        ("POST", "/gone/revocation", {}, 409, "partner-revoked"),
        ("POST", "/nobody/revocation", {}, 404, "not-found"),
        ("POST", "/gone/links", {"person": PERSON}, 409, "partner-revoked"),
        ("POST", "/nobody/links", {"person": PERSON}, 404, "not-found"),
        ("POST", "/bretagne/links", {"person": " "}, 422, "partner-invalid"),
        ("POST", "/gone/sign-out", {}, 409, "partner-revoked"),
        ("POST", "/nobody/sign-out", {}, 404, "not-found"),
        ("POST", "", {}, 400, "body-malformed"),
        ("POST", "", [], 400, "body-malformed"),
        ("POST", "", {"platform": 1}, 400, "body-malformed"),
        ("POST", "", {"platform": "new", "scopes": "operate"}, 400, "body-malformed"),
        ("POST", "", {"platform": "new", "secret": "mine"}, 400, "body-malformed"),
        ("POST", "", {"platform": "new", "reason": 1}, 400, "body-malformed"),
        ("POST", "", {"platform": "new", "reason": "x" * 1_001}, 400, "body-malformed"),
        ("PATCH", "/bretagne", {"name": None}, 400, "body-malformed"),
        ("PATCH", "/bretagne", {"inbox": "yes"}, 400, "body-malformed"),
        ("POST", "/bretagne/secrets", {}, 400, "body-malformed"),
        ("POST", "/bretagne/secrets", {"replaces": "", "overlap_hours": True}, 400, "body-malformed"),
        ("POST", "/bretagne/secrets", {"replaces": "", "overlap_hours": 8_761}, 400, "body-malformed"),
        ("POST", "/bretagne/links", {"person": PERSON, "language": "de"}, 400, "body-malformed"),
        ("POST", "/bretagne/revocation?force=true", {}, 400, "parameter-unknown"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_what_is_refused_changes_nothing_and_is_no_act(
    gateway: GatewayHarness, method: str, path: str, body: Any, status: int, code: str
) -> None:
    """SEC-017, ERR-002"""
    before = gateway.context.federation.partners.all()
    answer = await gateway.ask(method, f"/v1/partners{path}", json=body, who=OPERATOR)
    assert (status, code) == (answer.status, answer.code), answer.raw
    assert (code == "partner-invalid") == bool(answer.body.get("findings") and status == 422)
    assert before == gateway.context.federation.partners.all()
    assert [] == await entries(gateway)


async def test_an_unknown_partner_is_not_found(gateway: GatewayHarness) -> None:
    assert 404 == (await gateway.ask("GET", "/v1/partners/nobody", who=OPERATOR)).status


def paths(gateway: GatewayHarness) -> Sequence[tuple[str, str]]:
    """Every operator's route of partners and of the national site, by method and address."""
    routes = build_app(gateway.context).router.routes()
    values = {"{platform}": "bretagne", "{order}": "x", "{contact}": "x", "{request}": "x"}
    return [
        (route.method, re.sub(r"{\w+}", lambda name: values[name[0]], route.resource.canonical))
        for route in routes
        if route.resource is not None
        and route.method != "HEAD"
        and route.resource.canonical.startswith(("/v1/partners", "/v1/national"))
    ]


async def test_every_route_is_the_operators_alone(gateway: GatewayHarness) -> None:
    """SEC-002, SEC-014: a partner reads and changes nothing, also nothing of its own."""
    found = paths(gateway)
    assert 17 == len(found)
    for method, path in found:
        answer = await gateway.ask(method, path, json={}, who="bretagne/offers:publish+offers:read")
        assert (403, "scope-missing") == (answer.status, answer.code), path
    assert [] == await entries(gateway)


async def test_a_link_opens_one_session_and_no_record_has_the_person(gateway: GatewayHarness) -> None:
    """SEC-015, SEC-017"""
    with structlog.testing.capture_logs() as lines:
        made = await act(gateway, "/bretagne/links", {"person": PERSON, "language": "en", "reason": "First access"})
    assert (201, "bretagne") == (made.status, made.body["platform"])
    assert made.body["url"].startswith("https://gateway.example/en/enter?link=")
    text = parse_qs(urlsplit(made.body["url"]).query)["link"][0]
    signed = await gateway.context.federation.sign_ins.begin(text)
    assert ("bretagne", PERSON) == (signed.partner.platform, signed.ticket.person)
    assert 1 == (await gateway.ask("GET", "/v1/partners/bretagne", who=OPERATOR)).body["open_sessions"]
    assert {"platform": "bretagne", "ended": 1} == (await act(gateway, "/bretagne/sign-out", {})).body
    assert {"platform": "bretagne", "ended": 0} == (await act(gateway, "/bretagne/sign-out", {})).body
    assert [("partner.link", "bretagne"), *[("partner.sign-out", "bretagne")] * 2] == await acts(gateway)
    stored = await on_the_log(gateway)
    assert not any(word in stored for word in (PERSON.encode(), text.encode()))
    assert not any(word in str(lines) for word in (PERSON, text))


async def test_without_pages_that_keep_a_session_no_link_is_made(gateway: GatewayHarness) -> None:
    app = build_app(replace(gateway.context, link_url=None))
    headers = {"Authorization": f"Bearer {OPERATOR}"}
    async with TestClient(TestServer(app)) as client:
        answer = await client.post("/v1/partners/bretagne/links", json={"person": PERSON}, headers=headers)
        assert (409, "sessions-absent") == (answer.status, orjson.loads(await answer.read())["code"])
    assert [] == await entries(gateway)
