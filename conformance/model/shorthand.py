"""Shorthand steps: tables that become calls, so that no cell of them can be forgotten. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, TypeAlias

from schemas.contract import openapi_document
from schemas.packaged import read_json

_Step: TypeAlias = Mapping[str, Any]
_WAIT = {"Prefer": "wait=20"}
_METHODS = frozenset({"get", "put", "post", "patch", "delete"})
_FEATURES: Mapping[str, str] = {
    "/v1/offers/batch": "batch",
    "/v1/offers/{id}/moderation": "moderation",
    "/v1/snapshots": "snapshots",
    "/v1/receipts": "receipts",
    "/v1/exports": "exports",
    "/v1/changes/digest": "digest",
}
"""Addresses of optional features, which are tried where the feature is."""
_MANDATORY = frozenset({"/v1/offers", "/v1/offers/{id}", "/v1/changes"})
_ABSENT = [404, 405]
_STATUSES: Mapping[str, Sequence[int]] = {"accepted": [200, 201], "duplicate": [200]}


def unfolded(step: _Step) -> Iterator[_Step]:
    """The steps that a step of a file abbreviates: itself, or those of its table."""
    for name, unfold in _TABLES.items():
        if name in step:
            yield from unfold(step)
            return
    yield step


def _publish(step: _Step) -> Iterator[_Step]:
    """A publication, accepted unless its verdict says otherwise."""
    account, name = step.get("as", "publisher"), step["publish"]
    own = {} if account == "publisher" else {"/id": f"${{{account}.{name}}}"}
    revision = {"/revision": step["revision"]} if "revision" in step else {}
    yield {
        "call": f"PUT /v1/offers/{_id(account, name)}",
        "as": account,
        "headers": _WAIT,
        "offer": {"is": name, "put": {**own, **revision, **step.get("put", {})}, "drop": step.get("drop", [])},
        "keep": step.get("keep", {}),
        "expect": _decided(step),
    }


def _withdraw(step: _Step) -> Iterator[_Step]:
    """A withdrawal, accepted unless its verdict says otherwise."""
    account = step.get("as", "publisher")
    reason = step.get("reason", "filled")
    yield {
        "call": f"DELETE /v1/offers/{_id(account, step['withdraw'])}?revision={step['revision']}&reason={reason}",
        "as": account,
        "headers": _WAIT,
        "keep": step.get("keep", {}),
        "expect": _decided(step),
    }


def _decided(step: _Step) -> _Step:
    """The decision that was waited for (PUB-001); ``code`` is that of its problem. ``expect`` is another answer."""
    verdict = step.get("verdict", "accepted")
    code = {"problems": {"$holds": [{"code": step["code"]}]}} if "code" in step else {}
    status = step.get("status", _STATUSES.get(verdict, [409]))
    decided: _Step = {"status": status, "body": {"verdict": verdict, **code}}
    return step.get("expect") or decided


def _fetch(step: _Step) -> Iterator[_Step]:
    """One offer, ``of`` a platform, as an account reads it."""
    body = {"body": step["body"]} if "body" in step else {}
    yield {
        "call": f"GET /v1/offers/{_id(step.get('of', 'publisher'), step['fetch'])}",
        "as": step.get("as", "publisher"),
        "until": step.get("until", 0),
        "expect": {"status": step["status"], **body},
    }


def _mark(step: _Step) -> Iterator[_Step]:
    """The mark of a complete set, kept under this name."""
    yield {
        "call": "POST /v1/snapshots/marks",
        "as": step["as"],
        "keep": {step["mark"]: "/mark"},
        "expect": {"status": 201, "body": {"mark": {"$present": True}}},
    }


def _refused(step: _Step) -> Iterator[_Step]:
    """A call that is refused (400) by a problem with this code, whose text names all these patterns (ERR-002)."""
    call = {name: value for name, value in step.items() if name not in {"refused", "code", "names"}}
    named = "".join(f"(?=.*{name})" for name in step["names"])
    yield {
        **call,
        "call": step["refused"],
        "expect": {
            "status": 400,
            "headers": {"Content-Type": {"$matches": "^application/problem\\+json"}},
            "body": {"code": step["code"], "status": 400},
            "text": {"$matches": f"(?s){named}"},
        },
    }


def _id(account: str, name: str) -> str:
    return f"${{id.{name}}}" if account == "publisher" else f"${{{account}.{name}}}"


def _batch(step: _Step) -> Iterator[_Step]:
    """A batch of these offers and lines."""
    account = step.get("as", "publisher")
    yield {
        **_upload(step),
        "call": f"POST /v1/offers/batch{'?' if 'query' in step else ''}{step.get('query', '')}",
        "as": account,
        "lines": [_line(account, each) for each in step["batch"]],
    }


def _set(step: _Step) -> Iterator[_Step]:
    """A complete set of these offers under a kept mark, with the number of its lines or another ``count``."""
    account, lines = step["as"], [_line(step["as"], each) for each in step["of"]]
    confirmed = f"&confirm={step['confirm']}" if "confirm" in step else ""
    yield {
        **_upload(step),
        "call": f"POST /v1/snapshots?mark=${{kept.{step['set']}}}{confirmed}",
        "as": account,
        "lines": [*lines, {"count": step.get("count", len(lines))}],
    }


def _upload(step: _Step) -> _Step:
    headers = {**({} if step.get("waits") is False else _WAIT), **step.get("headers", {})}
    return {"headers": headers, "keep": step.get("keep", {}), "until": step.get("until", 0), "expect": step["expect"]}


def _line(account: str, item: Any) -> Any:
    """A line of an upload: an offer of the account by its name, or changed; any other line is itself."""
    line: Any = {"is": item} if isinstance(item, str) else item
    if account == "publisher" or not isinstance(line, Mapping) or "is" not in line or "many" in line:
        return line
    return {**line, "put": {"/id": _id(account, line["is"]), **line.get("put", {})}}


def _enter(step: _Step) -> Iterator[_Step]:
    """An offer at the national site, created by its partner API."""
    members = {**_site_offer(), "remote_id": f"${{local.{step['enter']}}}", "permalink": f"${{apply.{step['enter']}}}"}
    kept = {name: value for name, value in members.items() if name not in step.get("drop", ())}
    yield {
        "call": "POST /internship_offers",
        "as": "national",
        "json": {"internship_offer": {**kept, **step.get("put", {})}},
        "keep": step.get("keep", {}),
        "until": step.get("until", 0),
        "expect": step.get("expect") or {"status": 201},
    }


@cache
def _site_offer() -> Mapping[str, Any]:
    offer: Mapping[str, Any] = read_json("cases", "site_offer.json", package=__package__.rpartition(".")[0])
    return offer


def _moderate(step: _Step) -> Iterator[_Step]:
    """A moderation by the operator, or its lifting."""
    lifted = step.get("lifted", False)
    yield {
        "call": f"POST /v1/offers/${{id.{step['moderate']}}}/moderation",
        "as": "operator",
        "headers": _WAIT,
        "json": {"action": "lift" if lifted else "moderate"},
        "until": 10,
        "expect": {"status": 200},
    }


def _follow(step: _Step) -> Iterator[_Step]:
    """A reading of the feed; ``of``: of all the offers of one platform."""
    query = {"query": f"territory=all&platform=${{{step['of']}}}"} if "of" in step else {}
    yield {**{name: value for name, value in step.items() if name != "of"}, **query}


def _reads(step: _Step) -> Iterator[_Step]:
    """The same expectation of each of several readers."""
    readers = step["reads"]
    yield from ({**step, "reads": each} for each in ([readers] if isinstance(readers, str) else readers))


def _bind(step: _Step) -> Iterator[_Step]:
    """The cursors of the list and of the feed under one filter, then under each of the others (FEED-005)."""
    for number, address in enumerate([step["at"]] if "at" in step else ["/v1/offers", "/v1/changes"]):
        kept = f"cursor{number}"
        call = {"as": step["as"]}
        yield {
            **call,
            "call": f"GET {address}?{step['bind']}&limit=1",
            "keep": {kept: "/cursor"},
            "until": 10,
            "expect": {"status": 200, "body": {"more": True, "cursor": {"$present": True}}},
        }
        for other in step["others"]:
            yield {
                **call,
                "call": f"GET {address}?{other}&limit=1&cursor=${{kept.{kept}}}",
                "expect": {"status": 400, "body": {"code": "cursor-filter"}},
            }
        yield {
            **call,
            "call": f"GET {address}?{step['bind']}&limit=2&cursor=${{kept.{kept}}}",
            "expect": {"status": 200},
        }


def _opens(step: _Step) -> Iterator[_Step]:
    """A token with one scope at every address of the contract: 403 where the scope is not named, before anything of the
    request is looked at; readings that it opens are answered.
    """
    account, scope = step["as"], step["opens"]
    yield {"token": account, "scope": scope, "keep": "token"}
    for path, item in openapi_document()["paths"].items():
        feature = next((name for begin, name in _FEATURES.items() if path.startswith(begin)), None)
        for method in sorted(_METHODS & set(item)):
            scopes = set(item[method].get("x-scopes", ()))
            if not scopes or (scope in scopes and method != "get"):
                continue
            expected = _statuses(path, supported=feature is not None, opened=scope in scopes)
            where = {} if feature is None else {"where": feature}
            yield from ({**_attempt(account, method, path, expected), **body, **where} for body in _bodies(method))
            if method == "get" and scope not in scopes:
                yield {**_attempt(account, "head", path, {"status": [403, *_ABSENT]}), **where}


def _statuses(path: str, *, supported: bool, opened: bool) -> Mapping[str, Any]:
    if opened:
        return {"status": [200, *([] if path in _MANDATORY else [400, 404])]}
    return {"status": [403, *([] if supported or path in _MANDATORY else _ABSENT)]}


def _bodies(method: str) -> Sequence[Mapping[str, Any]]:
    """Contents: none, one that cannot be read, and a valid offer that must not be stored."""
    if method in {"get", "delete"}:
        return [{}]
    return [{"text": "{"}, {"offer": {"is": "probe"}}]


def _attempt(account: str, method: str, path: str, expected: Mapping[str, Any]) -> _Step:
    query = "?revision=9&reason=filled" if method == "delete" else ""
    return {
        "call": f"{method.upper()} {_filled(path)}{query}",
        "as": account,
        "headers": {"Authorization": "Bearer ${kept.token}", **_WAIT},
        "expect": expected,
    }


_SAMPLES: Mapping[str, str] = {
    "id": "${id.a}",
    "receipt": "${kept.receipt}",
    "format": "csv",
    "platform": "${publisher}",
    "order": "0",
}


def _filled(path: str) -> str:
    for name, sample in _SAMPLES.items():
        path = path.replace(f"{{{name}}}", sample)
    return path


def _copied(step: _Step) -> Iterator[_Step]:
    """Offers that differ by title, id or sequence alone: each is copied to the letter, when it comes and when it
    changes, and the removal of one removes no other.
    """
    kind, values = next(iter(step["copied"].items()))
    ids = values if kind == "ids" else [f"bretagne:{kind}-{number}" for number in range(len(values))]
    titles = values if kind == "titles" else [f"Offre {number}" for number in range(len(values))]
    sequences = values if kind == "sequences" else range(10, 10 + len(values))
    yield from _held(ids, titles, sequences)
    if kind == "titles":  # each title once more, as that of another offer which changes
        yield from _held(ids, [*titles[1:], titles[0]], [number + len(values) for number in sequences])
    if kind == "ids":
        removals = [{"op": "removal", "is": "x", "id": each, "sequence": 100} for each in ids[::2]]
        yield {"serve": [{"changes": removals}]}
        yield {"order": "sync"}
        yield {"hold": {"holds": {each: {} for each in ids[1::2]}, "lacks": ids[::2]}}


def _held(ids: Sequence[str], titles: Sequence[str], sequences: Sequence[int]) -> Iterator[_Step]:
    """Changes of these offers, in one page, and the copy after it."""
    changed = list(zip(ids, titles, sequences, strict=True))
    changes = [
        {"op": "upsert", "is": "x", "id": each, "sequence": sequence, "put": {"/title": title}}
        for each, title, sequence in changed
    ]
    yield {"serve": [{"changes": changes}]}
    yield {"order": "sync"}
    holds = {each: {"title": title, "sequence": sequence} for each, title, sequence in changed}
    yield {"hold": {"holds": holds}}


_TABLES: Mapping[str, Callable[[_Step], Iterator[_Step]]] = {
    "publish": _publish,
    "withdraw": _withdraw,
    "fetch": _fetch,
    "mark": _mark,
    "refused": _refused,
    "batch": _batch,
    "set": _set,
    "enter": _enter,
    "moderate": _moderate,
    "follow": _follow,
    "reads": _reads,
    "bind": _bind,
    "opens": _opens,
    "copied": _copied,
}
