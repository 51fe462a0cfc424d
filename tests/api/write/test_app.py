"""What every request passes through: identity, scopes, rate, request ids, problem documents, metrics."""

from pathlib import Path

import orjson
import pytest
import structlog
from aiohttp.test_utils import TestClient, TestServer

import schemas
from gateway.api.app import build_app
from gateway.api.auth import scopes_of
from gateway.api.context import Limits
from gateway.api.limit import AddressRates
from gateway.api.management import build_management
from gateway.api.work import ANONYMOUS_SECONDS
from gateway.federation.counters import Metrics
from gateway.ingest.backlog import SHARE
from gateway.protocol.identity import partition_of
from tests.api.write.gateway_harness import GatewayHarness, ndjson, offer, opened
from tests.memory_log import WriteFault


@pytest.mark.parametrize("who", [None, "for ged", "123", "gone", "stranger"])
async def test_requests_without_a_valid_token_are_refused(gateway: GatewayHarness, who: str | None) -> None:
    """SEC-001: 401 with a challenge; a revoked partner and an unknown one look alike."""
    answer = await gateway.ask("PUT", "/v1/offers/bretagne:1", json=offer(1), who=who)
    assert 401 == answer.status
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    assert answer.code == ("token-missing" if who is None else "token-invalid")


async def test_another_kind_of_credential_is_no_token(gateway: GatewayHarness) -> None:
    """SEC-001: Basic is for the token endpoint."""
    answer = await gateway.ask("GET", "/v1/receipts", who=None, headers={"Authorization": "Basic YTpi"})
    assert (401, "token-missing") == (answer.status, answer.code)


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("PUT", "/v1/offers/bretagne:1", "offers:publish"),
        ("DELETE", "/v1/offers/bretagne:1?revision=1", "offers:publish"),
        ("POST", "/v1/offers/batch", "offers:publish"),
        ("POST", "/v1/snapshots", "offers:publish"),
        ("POST", "/v1/snapshots/marks", "offers:publish"),
        ("POST", "/v1/offers/bretagne:1/moderation", "operate"),
    ],
)
async def test_each_call_needs_its_scope(gateway: GatewayHarness, method: str, path: str, scope: str) -> None:
    """SEC-002: 403 naming the scope, before the body is read."""
    answer = await gateway.ask(method, path, who="bretagne/offers:read")
    assert (403, "scope-missing", scope) == (answer.status, answer.code, answer.body["expected"])


async def test_every_route_declares_its_callers(gateway: GatewayHarness) -> None:
    """SEC-002: a route without a declaration would be closed, but there is none."""
    routes = [route for route in build_app(gateway.context).router.routes() if route.method != "HEAD"]
    assert [] == [route for route in routes if not scopes_of(route.handler)]


async def test_requests_beyond_the_rate_wait(tmp_path: Path) -> None:
    """ERR-006: 429 with Retry-After; the headers give the rest of the quota; other partners are not affected."""
    async with opened(tmp_path, limits=Limits(requests_per_minute=3)) as gateway:
        answers = [await gateway.ask("GET", "/v1/receipts") for _ in range(4)]
        assert [200, 200, 200, 429] == [answer.status for answer in answers]
        assert ["r=2", "r=1", "r=0", "r=0"] == [answer.headers["RateLimit"].split(";")[1] for answer in answers]
        assert '"partner";q=3;w=60' == answers[0].headers["RateLimit-Policy"]
        assert ("rate-limited", True) == (answers[3].code, 1 <= int(answers[3].headers["Retry-After"]) <= 20)
        assert 200 == (await gateway.ask("GET", "/v1/receipts", who="normandie")).status


@pytest.mark.slow
@pytest.mark.parametrize(("method", "path"), [("POST", "/oauth/token"), ("GET", "/v1/offers"), ("GET", "/nowhere")])
async def test_requests_without_a_partner_are_charged_to_their_address(
    gateway: GatewayHarness, method: str, path: str
) -> None:
    """ERR-006: refusals included, although their handlers take no time."""
    names = ("@127.0.0.1", "@127.0.0.1 refused", "@127.0.0.1 tokens")
    shares = [gateway.office.processor.share(name, anonymous=True) for name in names]
    for _ in range(20):
        assert 400 <= (await gateway.ask(method, path, who=None)).status
    assert sum(share.used for share in shares) >= 20 * ANONYMOUS_SECONDS


async def test_token_requests_do_not_wait_behind_requests_without_a_token(gateway: GatewayHarness) -> None:
    """ERR-006: behind a proxy, all clients have one address."""
    tokens = gateway.office.processor.share("@127.0.0.1 tokens", anonymous=True)
    for _ in range(20):
        assert 401 == (await gateway.ask("GET", "/v1/offers", who=None)).status
    assert tokens.used == 0.0


async def test_requests_without_a_token_beyond_the_rate_of_their_address_wait(tmp_path: Path) -> None:
    """ERR-006: a fifth of a partner's rate; a partner's own requests are not among them."""
    async with opened(tmp_path, limits=Limits(requests_per_minute=20)) as gateway:
        answers = [await gateway.ask("GET", "/.well-known/passerelle", who=None) for _ in range(5)]
        assert [200, 200, 200, 200, 429] == [answer.status for answer in answers]
        assert ("address-limited", True) == (answers[4].code, 1 <= int(answers[4].headers["Retry-After"]) <= 15)
        assert 429 == (await gateway.ask("GET", "/nowhere", who=None)).status
        assert 200 == (await gateway.ask("GET", "/v1/receipts")).status
        assert 401 == (await gateway.ask("GET", "/v1/receipts", who=None)).status


def test_an_address_has_a_rate_and_a_48_four_times_as_much() -> None:
    """ERR-006: its owner may use any /64 of it; token requests are counted apart."""
    rates = AddressRates(10)
    assert [0, 0, 30] == [rates.wait("192.0.2.1", "", 0.0) for _ in range(3)]
    assert 0 == rates.wait("192.0.2.1", " tokens", 0.0)
    assert 0 == rates.wait("192.0.2.1", "", 30.0)
    networks = [f"2001:db8:0:{number}::/64" for number in range(9)]
    assert [0] * 8 + [8] == [rates.wait(network, "", 0.0) for network in networks]
    assert 0 == rates.wait("2001:db8:1::/64", "", 0.0)


def test_refused_requests_of_a_64_take_nothing_from_its_48() -> None:
    """ERR-006: its neighbours have their own rate, however often one of them tries again."""
    rates = AddressRates(10)
    assert [0, 0] == [rates.wait("2001:db8::/64", "", 0.0) for _ in range(2)]
    assert all(rates.wait("2001:db8::/64", "", 0.0) for _ in range(20))
    assert 0 == rates.wait("2001:db8:0:1::/64", "", 0.0)


async def test_every_answer_has_a_request_id(gateway: GatewayHarness) -> None:
    """ERR-010: the client's own where it is well formed."""
    given = await gateway.ask("GET", "/v1/receipts", headers={"X-Request-Id": "abcd-1234"})
    assert "abcd-1234" == given.headers["X-Request-Id"]
    for hostile in ("a b", "x" * 65, "<script>"):
        answer = await gateway.ask("GET", "/nowhere", headers={"X-Request-Id": hostile})
        assert answer.headers["X-Request-Id"] not in {hostile, ""}


async def test_one_line_in_the_log_without_anything_secret(gateway: GatewayHarness) -> None:
    """SEC-003: never a token, a query or a body."""
    with structlog.testing.capture_logs() as lines:
        await gateway.ask("PUT", "/v1/offers/bretagne:1?dry_run=true", json=offer(1, title="Un titre que nul ne lit"))
    requests = [line for line in lines if line["event"] == "api.request"]
    assert [("PUT", "/v1/offers/{id}", 200, "bretagne")] == [
        (line["method"], line["route"], line["status"], line["platform"]) for line in requests
    ]
    assert not any(secret in str(lines) for secret in ("Un titre", "dry_run", "Bearer"))


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not-found"),
        ("PATCH", "/v1/offers/bretagne:1", 405, "method-not-allowed"),
        ("GET", "/v1/snapshots", 405, "method-not-allowed"),
    ],
)
async def test_unknown_addresses_and_methods_are_problems_too(
    gateway: GatewayHarness, method: str, path: str, status: int, code: str
) -> None:
    """ERR-003, ERR-011: RFC 9457, in French unless English is preferred."""
    answer = await gateway.ask(method, path)
    assert (status, code, status) == (answer.status, answer.code, answer.body["status"])
    assert f"urn:fr:stages:problem:{code}" == answer.body["type"]
    assert "fr" == answer.headers["Content-Language"]
    schemas.validator("problem").validate(answer.body)
    if status == 405:
        assert answer.headers["Allow"]


@pytest.mark.parametrize(
    ("accepted", "given"),
    [("en", "en"), ("en-GB,fr;q=0.3", "en"), ("fr,en;q=0.9", "fr"), ("de", "fr"), ("en;q=x", "fr"), ("en;q=0.1", "en")],
)
async def test_the_language_is_the_clients(gateway: GatewayHarness, accepted: str, given: str) -> None:
    """ERR-011: by weight; French when in doubt."""
    answer = await gateway.ask("GET", "/nowhere", headers={"Accept-Language": accepted})
    assert given == answer.headers["Content-Language"]


async def test_a_busy_log_is_503(tmp_path: Path) -> None:
    """ERR-009: with the next step; only stored submissions are acknowledged."""
    async with opened(tmp_path, working=False) as gateway:
        gateway.log.inject(WriteFault.REFUSED)
        answer = await gateway.ask("DELETE", "/v1/offers/bretagne:1?revision=1")
        assert (503, "log-unavailable") == (answer.status, answer.code)
        schemas.validator("problem").validate(answer.body)


async def test_discovery_lists_versions_limits_and_addresses(gateway: GatewayHarness) -> None:
    """PUB-008: without a token; every address is one of the application's."""
    answer = await gateway.ask("GET", "/.well-known/passerelle", who=None)
    assert "1" == answer.body["protocol_version"]
    assert 100_000 == answer.body["limits"]["offer_bytes"]
    known = {resource.canonical for resource in build_app(gateway.context).router.resources()}
    assert {"/v1/reference"} == {path for path in answer.body["endpoints"].values() if path not in known}
    known_tag = {"If-None-Match": answer.headers["ETag"]}
    assert 304 == (await gateway.ask("GET", "/.well-known/passerelle", who=None, headers=known_tag)).status


async def test_metrics_have_bounded_labels(gateway: GatewayHarness) -> None:
    """SEC-007: route templates, never addresses."""
    await gateway.ask("PUT", "/v1/offers/bretagne:1", json=offer(1))
    await gateway.ask("GET", "/some/secret/place")
    await gateway.ask("BREW", "/v1/offers")
    gateway.metrics.count_verdicts({"accepted": 3})
    async with TestClient(TestServer(build_management(gateway.metrics, dict))) as client:
        text = await (await client.get("/metrics")).text()
    assert 'passerelle_requests_total{method="PUT",route="/v1/offers/{id}",status="202"} 1.0' in text
    assert 'passerelle_requests_total{method="GET",route="unknown",status="404"} 1.0' in text
    assert 'passerelle_verdicts_total{verdict="accepted"} 3.0' in text
    assert 'passerelle_platform_requests_total{platform="bretagne",status="202"} 1.0' in text
    assert not any(word in text for word in ("secret", "BREW", "bretagne:1"))


async def test_requests_are_counted_by_partner_and_all_others_together(gateway: GatewayHarness) -> None:
    """SEC-007: a platform that a client only names is no label."""
    await gateway.ask("GET", "/v1/offers")
    for token in ("unknown-client", "no-partner", ""):
        await gateway.ask("GET", "/v1/offers", who=None, headers={"Authorization": f"Bearer {token}"})
    await gateway.ask("GET", "/.well-known/passerelle", who=None)
    counts = {
        (sample.labels["platform"], sample.labels["status"]): sample.value
        for family in gateway.metrics.registry.collect()
        for sample in family.samples
        if sample.name == "passerelle_platform_requests_total"
    }
    assert {("bretagne", "200"): 1, ("other", "401"): 3, ("other", "200"): 1} == counts


async def test_readiness_names_what_is_missing() -> None:
    """SEC-007: 503 until every condition holds; alive all the while."""
    conditions = {"relay": True, "view of offers": False}
    async with TestClient(TestServer(build_management(Metrics(), lambda: conditions))) as client:
        assert 200 == (await client.get("/healthz")).status
        waiting = await client.get("/readyz")
        assert (503, ["view of offers"]) == (waiting.status, (await waiting.json())["missing"])
        exposed = await (await client.get("/metrics")).text()
        assert 'passerelle_ready{condition="relay"} 1.0\npasserelle_ready{condition="view of offers"} 0.0\n' in exposed
        conditions["view of offers"] = True
        assert 200 == (await client.get("/readyz")).status
        assert 'passerelle_ready{condition="view of offers"} 1.0' in await (await client.get("/metrics")).text()


async def test_a_catalogue_text_exists_for_every_code_that_is_used() -> None:
    """ERR-011: in both languages, and it can be filled."""
    for code, rule in schemas.catalogue().items():
        assert set(rule.message) == {"fr", "en"} == set(rule.fix), code


async def test_large_answers_are_whole_json(gateway: GatewayHarness) -> None:
    """PUB-010: also when they leave in many pieces."""
    answer = await gateway.batch(ndjson(*(offer(number) for number in range(2_000))), query="?dry_run=true")
    assert [item["index"] for item in orjson.loads(answer.raw)["results"]] == list(range(2_000))


async def test_single_offers_of_a_platform_with_its_share_undecided_are_answered_429(gateway: GatewayHarness) -> None:
    """[ERR-006] While another platform submits, and nothing is stored; the other platform is answered as usual."""
    partition = partition_of("bretagne:1", gateway.log.partitions)
    await gateway.harness.federation.backlog.enter("bretagne", partition, SHARE)
    assert 201 == (await gateway.put(offer(1))).status
    assert 201 == (await gateway.put(offer(1, platform="normandie"), who="normandie")).status
    for method, query in (("PUT", ""), ("DELETE", "?revision=3")):
        sent = offer(1, 2) if method == "PUT" else None
        refused = await gateway.ask(method, f"/v1/offers/bretagne:1{query}", json=sent)
        assert (429, "submissions-undecided") == (refused.status, refused.code)
        assert "1" == refused.headers["Retry-After"]
    assert 200 == (await gateway.put(offer(1, 2), query="?dry_run=true")).status
    assert 201 == (await gateway.put(offer(2, platform="normandie"), who="normandie")).status
