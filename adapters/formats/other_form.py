"""Documents that are no feed: HTML page, calendar, YAML, error response. Each is refused with its own code. Pure."""

import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

import orjson

from adapters.formats.problem import UnusableFeedError

_PAGES = ("<!doctype html", "<html")
_TABLE = re.compile(r"<table\b", re.IGNORECASE)
_XML_ERROR = re.compile(
    r"(?:<\?xml[^>]*>|<!--.*?-->|\s)*+<(?:[\w.-]+:)?(?:error|errors|erreur|fault|exception|errorresponse|envelope)\b",
    re.IGNORECASE | re.DOTALL,
)
_XML_TEXT = re.compile(
    r"<(?:[\w.-]+:)?(?:message|faultstring|detail|description|title)\b[^>]*>([^<]{1,300})", re.IGNORECASE
)
_FIRST_TEXT = re.compile(r">\s*([^<\s][^<]{0,300})")
_FAULT = re.compile(r"<(?:[\w.-]+:)?fault\b", re.IGNORECASE)
_YAML_LINE = re.compile(r"(?:- )*(?:[A-Za-zÀ-ÿ_][\w .-]{0,60}|\"[^\"]{1,60}\")\s*:(?:\s.*)?|- .*|#.*|---.*")
_SEPARATORS = re.compile(r"[;\t|]")
_YAML_LINES = 4
_MAX_CHARACTERS = 20_000
"""Longer documents are not taken for error responses."""
_MAX_ACTUAL = 200
_ERRORS = ("error", "errors", "erreur", "erreurs", "exception", "fault")
_MESSAGES = ("message", "detail", "details", "title", "description", "error_description", "reason", "code", "status")
_STATUS = ("status", "code", "statuscode", "status_code")
_MAX_MEMBERS = 8


def refuse_other_forms(text: Iterator[str], *, pages: bool) -> Iterator[str]:
    """The text unchanged. Raises UnusableFeedError if it is no feed. ``pages``: HTML is expected."""
    first = next((piece for piece in text if piece.strip()), "")
    more = next(text, "")
    refuse(first, pages=pages, whole=not more)
    return chain([first, more], text)


def refuse(text: str, *, pages: bool, whole: bool = True) -> None:
    """Raise UnusableFeedError if the beginning of a text is no feed. ``whole``: the text is complete."""
    start = text.lstrip()
    if start[:100].casefold().startswith(_PAGES):
        if not pages:
            raise UnusableFeedError("feed-is-table" if _TABLE.search(text) else "feed-is-html")
        return
    if start[:20].upper().startswith("BEGIN:VCALENDAR"):
        raise UnusableFeedError("feed-is-calendar")
    if _is_yaml(start):
        raise UnusableFeedError("feed-is-yaml")
    message = _error_of(start) if whole and len(start) <= _MAX_CHARACTERS else None
    if message is not None:
        raise UnusableFeedError("feed-is-error", actual=message[:_MAX_ACTUAL] or "–")


def _is_yaml(start: str) -> bool:
    """Whether the first lines are those of YAML: names with a colon, items with a dash; no columns."""
    if start[:1] in "<{[\"'" or _SEPARATORS.search(start.partition("\n")[0]):
        return False
    lines = [line.strip() for line in start[:4000].split("\n") if line.strip()][:20]
    matching = sum(_YAML_LINE.fullmatch(line) is not None for line in lines)
    named = sum(":" in line for line in lines)
    return len(lines) >= _YAML_LINES and matching >= 0.8 * len(lines) and named >= len(lines) / 2


def _error_of(start: str) -> str | None:
    """The message of an error response, a JSON object or an XML element; None for any other text."""
    if start[:1] == "<":
        found = _XML_ERROR.match(start)
        if found is None or ("envelope" in found[0].lower() and not _FAULT.search(start)):
            return None
        text = _XML_TEXT.search(start) or _FIRST_TEXT.search(start, found.end())
        return " ".join(text[1].split()) if text else ""
    if start[:1] != "{":
        return None
    try:
        document = orjson.loads(start)
    except orjson.JSONDecodeError:
        return None
    return _message_of(document) if is_error(document) else None


def is_error(document: Mapping[str, Any]) -> bool:
    """Whether a JSON object is the body of an error (``{"error": …}``, RFC 9457) and holds nothing else."""
    members = {name.casefold(): value for name, value in document.items()}
    if len(members) > _MAX_MEMBERS or any(
        _is_list_of_objects(value) for name, value in members.items() if name not in _ERRORS
    ):
        return False
    if any(members.get(name) for name in _ERRORS):
        return True
    if members.get("success") is False or members.get("ok") is False:
        return True
    failed = any(type(members.get(name)) is int and 400 <= members[name] < 600 for name in _STATUS)
    return (failed and any(name in members for name in _MESSAGES[:5])) or (
        bool(members) and members.keys() <= {"message", "detail", "documentation_url", "timestamp", "path"}
    )


def _is_list_of_objects(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(one, Mapping) for one in value)


def _message_of(value: Any) -> str:
    """The message of an error."""
    if isinstance(value, str | int):
        return str(value)
    if isinstance(value, list):
        return _message_of(value[0]) if value else ""
    if not isinstance(value, Mapping):
        return ""
    members = {name.casefold(): inner for name, inner in value.items()}
    named = (*_MESSAGES[:7], *_ERRORS, *_MESSAGES[7:])
    return next((message for name in named if (message := _message_of(members.get(name)))), "")
