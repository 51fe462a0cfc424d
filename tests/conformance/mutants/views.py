"""What wrong gateways share: who asks, what was published, and the offers in an answer, on whatever way out."""

import base64
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, TypeAlias

import orjson

from tests.conformance.mutants.proxy import Answer, Forward, Seen, json_answer

View: TypeAlias = dict[str, Any]
"""An offer as a reader gets it: its id, sequence, content, territory and provenance."""

LIST, ONE, CHANGES = "list", "one", "changes"
REGIONS = {"bretagne": "53", "normandie": "28", "grand-est": "44"}
_ALL = (LIST, ONE, CHANGES)


def asker(seen: Seen) -> str:
    """The platform that the token names, empty without a readable one."""
    parts = seen.headers.get("Authorization", "").removeprefix("Bearer ").split(".")
    if len(parts) != 3:
        return ""
    try:
        return str(json.loads(base64.urlsafe_b64decode(parts[1] + "=="))["client_id"])
    except (ValueError, KeyError):
        return ""


def scopes_of(seen: Seen) -> str:
    """The scopes of the token, empty without a readable one."""
    parts = seen.headers.get("Authorization", "").split(".")
    try:
        return str(orjson.loads(base64.urlsafe_b64decode(parts[1] + "==")).get("scope", ""))
    except (ValueError, IndexError):
        return ""


def owner(offer_id: str) -> str:
    """The platform whose offer it is."""
    return offer_id.partition(":")[0]


def keep(seen: Seen) -> dict[str, Any]:
    """Remember what is published, by offer, and who asks with which token; the offers known so far."""
    known: dict[str, Any] = seen.memory.setdefault("published", {})
    if asker(seen):
        seen.memory.setdefault("tokens", {})[asker(seen)] = seen.headers["Authorization"]
    lines = [seen.body] if seen.publishes else seen.body.split(b"\n") if seen.path == "/v1/offers/batch" else []
    for line in lines if "dry_run" not in seen.query else []:
        document = _document(line)
        if document is not None and owner(str(document.get("id"))) == asker(seen):
            known[document["id"]] = document
    return known


def _document(line: bytes) -> Any:
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) and "withdrawn" not in document else None


def hidden_from(document: Any, reader: str) -> bool:
    """Whether its publisher keeps the offer from this reader."""
    wanted = (document.get("redistribution") or {}).get("national" if reader == "national" else "regions", True)
    return not wanted and owner(document["id"]) != reader


def masked(document: Any) -> bool:
    """Whether its publisher masks the employer."""
    return bool((document.get("redistribution") or {}).get("mask_employer"))


async def as_owner(seen: Seen, forward: Forward, offer_id: str) -> View | None:
    """The offer as its publisher reads it, None when it is not live."""
    token = seen.memory.get("tokens", {}).get(owner(offer_id))
    if token is None:
        return None
    address = replace(seen, method="GET", path=f"/v1/offers/{offer_id}", query={}, body=b"")
    answered = await forward(address.bearing(authorization=token, if_none_match=None))
    found: View | None = answered.json if answered.status == 200 else None
    return found


def way(seen: Seen) -> str:
    """By which way out offers are asked for, empty for another request."""
    if seen.method != "GET":
        return ""
    one = seen.path.startswith("/v1/offers/") and seen.path.count("/") == 3
    return {"/v1/offers": LIST, "/v1/changes": CHANGES}.get(seen.path, ONE if one else "")


def on_views(seen: Seen, answered: Answer, change: Callable[[View], View | None], ways: Iterable[str] = _ALL) -> Answer:
    """The answer with each offer in it changed, or left out where that gives None."""
    body = answered.json
    if way(seen) not in ways or answered.status != 200 or not isinstance(body, dict):
        return answered
    if way(seen) == ONE:
        changed = change(body)
        return answered.saying(changed) if changed is not None else json_answer(404, {"code": "not-found"})
    name = "offers" if way(seen) == LIST else "changes"
    visible = [each if each.get("op") == "removal" else change(each) for each in body[name]]
    return answered.saying({**body, name: [each for each in visible if each is not None]})


def page_of(seen: Seen, answered: Answer) -> Any:
    """A page of the feed, None for another answer."""
    return answered.json if way(seen) == CHANGES and answered.status == 200 else None


def with_changes(answered: Answer, changes: Iterable[Any]) -> Answer:
    """The page with other changes."""
    return answered.saying({**answered.json, "changes": list(changes)})


def upsert_of(view: View) -> View:
    """The change document of an offer that was read by itself."""
    return {"op": "upsert", **{name: value for name, value in view.items() if name != "possible_duplicates"}}


async def export_of(seen: Seen, forward: Forward, kind: str) -> str | None:
    """The text of an export of this kind, None for another request."""
    if seen.path != f"/v1/exports/{kind}" or "If-None-Match" in seen.headers:
        return None
    answered = await forward(seen.bearing(accept_encoding="identity"))
    return answered.body.decode() if answered.status == 200 else None


def export_answer(kind: str, text: str) -> Answer:
    """An export with this text."""
    types = {"csv": "text/csv; charset=utf-8", "jobposting": "application/ld+json", "rss": "application/rss+xml"}
    return Answer(200, {"Content-Type": types[kind], "Cache-Control": "private, no-cache"}, text.encode())


def problem(status: int, code: str, **more: Any) -> Answer:
    """An RFC 9457 document."""
    found = {"type": f"urn:fr:stages:problem:{code}", "title": code, "status": status, "code": code, **more}
    answered = json_answer(status, found)
    return replace(answered, headers={"Content-Type": "application/problem+json"})


def code_of(answered: Answer) -> str:
    """The code of an error, empty where there is none."""
    body = answered.json
    return str(body.get("code", "")) if isinstance(body, dict) else ""
