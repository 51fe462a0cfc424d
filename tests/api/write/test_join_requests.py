"""``/v1/requests``: strangers who ask to connect a feed, for the operator alone (SEC-017)."""

from dataclasses import replace
from typing import Any

from gateway.protocol.join_request import PARTITION, request_record
from gateway.protocol.topic import JOINING
from tests.api.write.gateway_harness import Answer, GatewayHarness
from tests.api.write.test_openapi import held_to
from tests.api.write.test_partners import OPERATOR, acts
from tests.protocol.test_join_request import CONFIRMED, REQUEST

PATH = "/v1/requests"
OPEN = replace(CONFIRMED, feed="http://127.0.0.1/offres.xml", mapping={"items": "offre"})


async def ask(gateway: GatewayHarness, body: Any = None, request: str = OPEN.id, *, who: str = OPERATOR) -> Answer:
    """An answer, held to the contract."""
    method = "GET" if body is None else "POST"
    path = f"{PATH}/{request}" if request else PATH
    answer = await gateway.ask(method, path, who=who, **({} if body is None else {"json": body}))
    assert [] == held_to(method, PATH + ("/{request}" if request else ""), answer), answer.raw
    return answer


async def test_requests_are_listed_tried_approved_and_refused(gateway: GatewayHarness) -> None:
    """SEC-017"""
    now = gateway.context.federation.clock()
    kept = [replace(one, asked_at=now) for one in (OPEN, replace(OPEN, id="r2"), replace(REQUEST, id="r3"))]
    await gateway.context.federation.log.append(JOINING, PARTITION, [request_record(one) for one in kept])
    listed = await ask(gateway, request="")
    assert ["r1", "r2"] == [one["id"] for one in listed.body["requests"]], "without the one that is not confirmed"
    one = (await ask(gateway)).body
    hosts = [one[name] for name in ("mail_domain", "feed_host", "identity_verified", "step")]
    assert ["example.org", "127.0.0.1", False, "open"] == hosts
    assert 404 == (await ask(gateway, request="r3")).status
    assert 403 == (await ask(gateway, who="normandie/offers:read")).status
    assert 403 == (await ask(gateway, {"action": "try"}, who="normandie/offers:read")).status
    tried = (await ask(gateway, {"action": "try"})).body
    assert ("url-malformed", 0) == (tried["failure"], tried["counts"]["items"])
    assert "url-malformed" == (await ask(gateway)).body["trial"]["failure"]
    assert 400 == (await ask(gateway, {"action": "other"})).status
    for wrong in ({"action": "approve"}, {"action": "try", "platform": "ville"}, {"action": "refuse"}):
        assert "request-refused" == (await ask(gateway, wrong)).code
    assert "partner-invalid" == (await ask(gateway, {"action": "approve", "platform": "Pas un slug"})).code
    for scope in ("offers:publish", "operate"):  # a stranger gets neither
        more = {"action": "approve", "platform": "ville", "scopes": ["offers:read", scope]}
        assert "partner-invalid" == (await ask(gateway, more)).code
    approve = {"action": "approve", "platform": "ville", "departments": ["35"], "secret": True}
    made = await ask(gateway, approve)
    assert (201, "ville", True) == (made.status, made.body["client_id"], made.body["partner"]["pulled"])
    again = await ask(gateway, {"action": "approve", "platform": "autre"})
    assert (200, "ville", False) == (again.status, again.body["partner"]["platform"], "client_secret" in again.body)
    one = (await ask(gateway)).body
    assert ("approved", "ville") == (one["step"], one["platform"])
    assert "request-answered" == (await ask(gateway, {"action": "refuse", "reason": "Motif"})).code
    assert 200 == (await ask(gateway, {"action": "refuse", "reason": "Motif"}, "r2")).status
    assert "request-answered" == (await ask(gateway, approve, "r2")).code
    assert [("request.try", "r1"), ("request.approve", "ville"), ("request.refuse", "r2")] == await acts(gateway)
