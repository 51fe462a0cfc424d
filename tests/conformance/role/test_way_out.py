"""Every way out is looked at: an offer that is missing on one of them alone is found there."""

import json
import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from conformance.model.case import CallStep, Script, TokenStep
from conformance.model.library import cases, read_topic
from conformance.target.setup import Setup
from schemas.contract import precise_openapi
from tests.conformance.gateway_fixture import played_on
from tests.conformance.mutants.proxy import Answer, Forward, Seen, proxied

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]
CASE = "routing/not-for-regions-at-the-end-of-the-feed"


def _on(path: str, limit: str, *, resumed: bool = False, wait: bool = False) -> Callable[[Seen], bool]:
    def is_meant(seen: Seen) -> bool:
        at_end = seen.query.get("cursor") in seen.memory.get("ends", ())
        return (seen.path, seen.query.get("limit"), at_end, "wait" in seen.query) == (path, limit, resumed, wait)

    return is_meant


LIST, FEED = "/v1/offers", "/v1/changes"
WAYS: dict[str, Callable[[Seen], bool]] = {
    "GET /v1/offers/": lambda seen: seen.path.startswith("/v1/offers/") and seen.path.endswith("-b"),
    "list, 1000 per page": _on(LIST, "1000"),
    "list, 1 per page": _on(LIST, "1"),
    "feed from its start, 1000 per page": _on(FEED, "1000"),
    "feed from its start, 3 per page": _on(FEED, "3"),
    "feed read to its end, then its news, 1000 per page": _on(FEED, "1000", resumed=True),
    "feed read to its end, then its news, 2 per page": _on(FEED, "2", resumed=True),
    "feed read to its end, then waiting for news": _on(FEED, "1000", resumed=True, wait=True),
    "exported as csv": lambda seen: seen.path.endswith("/csv"),
    "exported as jobposting": lambda seen: seen.path.endswith("/jobposting"),
    "exported as rss": lambda seen: seen.path.endswith("/rss"),
}


def _without(answered: Answer, seen: Seen) -> Answer:
    """The answer without the offer ``…-b``."""
    body = answered.json
    if seen.path.endswith("-b") and seen.method == "GET":
        return replace(answered, status=404, body=b"{}")
    if isinstance(body, dict):
        kept = {
            name: [each for each in body.get(name, ()) if not _is_b(each)] for name in ("offers", "changes", "@graph")
        }
        return answered.saying({**body, **{name: items for name, items in kept.items() if name in body}})
    text = answered.body.decode()
    text = re.sub(r"<item>(?:(?!</item>).)*-b</guid>.*?</item>", "", text, flags=re.DOTALL)
    return replace(answered, body="".join(line for line in text.splitlines(True) if "-b" not in line[:40]).encode())


def _is_b(item: dict[str, object]) -> bool:
    return bool(re.search(r':k[0-9a-f]+-b"', str(item).replace("'", '"')[:400])) and item.get("op") != "removal"


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", WAYS)
async def test_an_offer_that_is_missing_on_one_way_is_found_there(right: Setup, name: str) -> None:
    async def answer(seen: Seen, forward: Forward) -> Answer:
        answered = await forward(seen.bearing(accept_encoding="identity"))
        if seen.path == FEED and (not answered.json["more"] or seen.query.get("cursor") in seen.memory.get("ends", ())):
            seen.memory.setdefault("ends", set()).add(answered.json["cursor"])
        return _without(answered, seen) if seen.method == "GET" and WAYS[name](seen) else answered

    chosen = [case for case in cases() if case.id == CASE]
    async with proxied(right.target, answer) as url:
        [result] = await played_on(replace(right, target=url, patience=0.1), chosen, seed=name)
    assert result.findings
    assert name in result.findings[0].location["en"]


async def test_a_token_with_one_scope_is_tried_at_every_address_that_asks_for_another() -> None:
    """SEC-002."""
    contract = precise_openapi()["paths"]
    for case in cases():
        if not case.id.startswith("security/every-address-with-"):
            continue
        assert isinstance(case.subject, Script)
        [scope] = [step.scope for step in case.subject.steps if isinstance(step, TokenStep)]
        closed = {
            (method.upper(), path)
            for path, item in contract.items()
            for method, operation in item.items()
            if method != "parameters"
            and operation["security"]
            and not any(scope in entry.get("bearer", ()) for entry in operation["security"])
            and path != "/oauth/token"
        }
        refused = [step for step in case.subject.steps if isinstance(step, CallStep) and 403 in step.expect.status]
        assert len(closed) <= len(refused)
        for method, path in closed:
            form = re.sub(r"\\\{[^}]*\\\}", r"[^/]+", re.escape(path))
            assert any(step.method == method and re.fullmatch(form, step.path.partition("?")[0]) for step in refused)


async def test_a_step_that_several_readers_take_is_a_step_of_each() -> None:
    texts = {"fr": "x", "en": "y"}
    steps = [{"reads": ["subscriber", "national"], "query": "territory=all"}]
    written = {"name": "a", "requirements": ["RTE-002"], "title": texts, "steps": steps}
    topic = {"topic": texts, "explanation": texts, "mend": texts, "cases": [written]}
    [case] = read_topic("family", "topic.json", json.dumps(topic).encode())
    assert isinstance(case.subject, Script)
    assert ["subscriber", "national"] == [getattr(step, "account", None) for step in case.subject.steps]
