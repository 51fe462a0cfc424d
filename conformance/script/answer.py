"""Answers as a case reads them: members outside the documents and optional ones in one form. Pure."""

from collections.abc import Mapping
from typing import Any

_QUEUED, _GONE, _FAILED = 202, 410, 400
_OF_A_PROBLEM = frozenset({"type", "title", "status", "detail", "instance"})


def read_answer(status: int, headers: Mapping[str, str], body: Any) -> Any:
    """The JSON body, with what a gateway may write otherwise. A marker may be the member ``marker`` or flat beside the
    problem (WDR-011 names none); a problem's ``detail`` is optional, its ``title`` then says as much (RFC 9457, 3.1);
    a queued submission has the address of its receipt (PUB-004), and may have no more; nothing pending may be left out.
    ``headers`` are case-insensitive.
    """
    if not isinstance(body, dict):
        return body
    if status == _GONE and "marker" not in body and "reason" in body:
        return _with_detail({**body, "marker": {name: body[name] for name in body if name not in _OF_A_PROBLEM}})
    if status >= _FAILED:
        return _with_detail(body)
    if status == _QUEUED and "results" not in body:
        return _queued(headers, body)
    return {"pending": 0, **body} if "statuses" in body and status != _QUEUED else body


def _with_detail(problem: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"detail": problem["title"], **problem} if "title" in problem else problem


def _queued(headers: Mapping[str, str], body: Mapping[str, Any]) -> Mapping[str, Any]:
    address = headers.get("Location")
    return body if address is None else {"verdict": "pending", "receipt": address.rpartition("/")[2], **body}
