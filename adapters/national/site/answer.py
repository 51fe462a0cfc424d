"""Classifies the site's answers by their form: only an answer in the site's own form is an outcome. Pure.

Proxies, firewalls, login and maintenance pages between the gateway and the site answer with the same status codes. A
status alone therefore proves nothing: only a document in the site's form settles a delivery.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeAlias

from adapters.national.mapping.deliverability import PREFIX, Ready, SiteRefusal, refusal, vocabulary
from adapters.national.mapping.week import real

_OFFER_MEMBERS = frozenset({"remote_id", "weeks", "grades"})
"""Members of every document with which the site answers a write."""
_VALIDATION = "VALIDATION_ERROR"
_BAD_PARAMETERS = frozenset({"BAD_PAYLOAD", "BAD_ARGUMENT", "WRONG_PARAMS"})
_OLD_PERIOD = 401
"""The code, a number, of the old interface's refusal of a ``period``."""


@dataclass(frozen=True, slots=True)
class SiteAnswer:
    """An answer of the site: the status, and the body as JSON (its text if it is not JSON)."""

    status: int
    body: Any


@dataclass(frozen=True, slots=True)
class DoneAnswer:
    """Written. ``weeks``, padded, and ``levels`` are those that the site stored; ``published`` is false for an offer
    that is not published there: hidden by its moderators, or unpublished. ``remote_id`` names the written offer.
    """

    weeks: tuple[str, ...]
    levels: tuple[str, ...]
    published: bool
    remote_id: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class NameTaken:
    """The remote id exists at the site already: live, if the index lists it, else dead."""


@dataclass(frozen=True, slots=True)
class AlreadyDeleted:
    """The offer was deleted before."""


@dataclass(frozen=True, slots=True)
class Missing:
    """No offer, or no offer of this account, has that remote id."""


@dataclass(frozen=True, slots=True)
class Forbidden:
    """The site forbids the call. On PATCH the offer belongs to another account; on DELETE it proves nothing."""


@dataclass(frozen=True, slots=True)
class RefusedAnswer:
    """The site refuses the body; each reason has a code of this gateway. The same body would be refused again."""

    refusals: tuple[SiteRefusal, ...]


@dataclass(frozen=True, slots=True)
class RightMissing:
    """The account lacks a right, such as ``api_full_access`` for search."""


@dataclass(frozen=True, slots=True)
class Unrecognized:
    """An answer in another form: the site failed, or a proxy answered instead. Whether the call was carried out is
    unknown. ``description`` describes the answer without quoting it; ``step`` is a check for the operator.
    """

    status: int
    description: str = field(compare=False)
    step: str | None = field(default=None, compare=False)


Outcome: TypeAlias = (
    DoneAnswer | NameTaken | AlreadyDeleted | Missing | Forbidden | RefusedAnswer | RightMissing | Unrecognized
)


def outcome_of(answer: SiteAnswer) -> Outcome:
    """The outcome of a write, or the refusal of a read; ``reading.read_page`` reads the page of a read."""
    body = answer.body if isinstance(answer.body, dict) else {}
    is_offer = body.keys() >= _OFFER_MEMBERS and isinstance(body["remote_id"], str)
    if answer.status in {HTTPStatus.OK, HTTPStatus.CREATED} and is_offer:
        return _done(body)
    return _refusal_of(answer.status, body) or unrecognized(answer)


def outcome_about(name: str, answer: SiteAnswer) -> Outcome:
    """The outcome of a call about one remote id; the document of another offer settles nothing."""
    outcome = outcome_of(answer)
    if isinstance(outcome, DoneAnswer) and outcome.remote_id != name:
        return Unrecognized(HTTPStatus.OK, "the document of another offer")
    return outcome


def unrecognized(answer: SiteAnswer) -> Unrecognized:
    """Description of an answer that is not in the site's form."""
    return Unrecognized(answer.status, f"status {answer.status} with {_form(answer.body)}", _step(answer.status))


def is_rate_refusal(answer: SiteAnswer) -> bool:
    """Whether the answer is the site's own 429: an error without code. A proxy's 429 counts as an outage."""
    return answer.status == HTTPStatus.TOO_MANY_REQUESTS and _is_error_without_code(answer.body)


def is_token_refusal(answer: SiteAnswer) -> bool:
    """Whether the site refuses the token: a wrong one, or one of a user that no longer exists."""
    code, error = _error_of(answer.body)
    if answer.status == HTTPStatus.UNAUTHORIZED:
        return code == "UNAUTHORIZED" and error != "access denied"
    return answer.status == HTTPStatus.NOT_FOUND and code == "NOT_FOUND" and "user" in str(error).lower().split()


def is_login_refusal(answer: SiteAnswer) -> bool:
    """Whether the site refuses e-mail or password: an error without code."""
    return answer.status == HTTPStatus.UNAUTHORIZED and _is_error_without_code(answer.body)


def login_token(answer: SiteAnswer) -> str | None:
    """The token of a successful login; None for anything else."""
    token = answer.body.get("token") if isinstance(answer.body, dict) else None
    return token if answer.status == HTTPStatus.OK and isinstance(token, str) and token else None


def find_dropped(sent: Ready, done: DoneAnswer) -> SiteRefusal | None:
    """The weeks or levels that the site dropped or added silently: it drops those that it does not know."""
    odd = sorted(set(sent.weeks) ^ set(done.weeks)) + sorted(set(sent.levels) ^ set(done.levels))
    pointer = "/levels" if set(sent.weeks) == set(done.weeks) else "/weeks"
    return refusal("national-weeks-dropped", pointer=pointer, actual=", ".join(odd)) if odd else None


def _is_error_without_code(body: object) -> bool:
    return isinstance(body, dict) and body.keys() == {"error"} and isinstance(body["error"], str)


def _refusal_of(status: int, body: Mapping[str, Any]) -> Outcome | None:
    """The refusal that an error document of the site means; None for any other document."""
    code, error = _error_of(body)
    match status, code:
        case HTTPStatus.CONFLICT, str() if code.startswith("DUPLICATE_"):
            return NameTaken()
        case HTTPStatus.CONFLICT, str() if code.endswith("_ALREADY_DESTROYED"):
            return AlreadyDeleted()
        case HTTPStatus.NOT_FOUND, "NOT_FOUND" if "internship_offer" in str(error):
            return Missing()
        case HTTPStatus.FORBIDDEN, "FORBIDDEN" if isinstance(error, str):
            return Forbidden()
        case HTTPStatus.UNAUTHORIZED, "UNAUTHORIZED" if isinstance(error, str):
            return RightMissing()
        case HTTPStatus.BAD_REQUEST | HTTPStatus.UNPROCESSABLE_ENTITY, _ if _is_refusal_code(code):
            return RefusedAnswer(tuple(_reasons(error)))
    return None


def _is_refusal_code(code: object) -> bool:
    return code == _VALIDATION or code in _BAD_PARAMETERS or (type(code) is int and code == _OLD_PERIOD)


def _error_of(body: object) -> tuple[str | int | None, object]:
    """Code and reason of an error document, which holds exactly these two; None for any other document."""
    if not isinstance(body, dict) or body.keys() != {"code", "error"}:
        return None, None
    code = body["code"]
    return (code if isinstance(code, str) or type(code) is int else None), body["error"]


def _form(body: object) -> str:
    if isinstance(body, str):
        if not body.strip():
            return "an empty body"
        return "a web page" if body.lstrip().startswith("<") else "a text"
    return "no body" if body is None else "JSON of another form"


def _step(status: int) -> str | None:
    """A check for the operator after an answer that is not the site's; None for a failing server."""
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
        return None
    if status == HTTPStatus.NOT_FOUND:
        return "check the url of the accounts file: it is the origin of the site, without a path"
    return "check the url of the accounts file, and the proxy or firewall on the way to the site, which answers itself"


def _done(body: Mapping[str, Any]) -> DoneAnswer:
    weeks = [week for week in _listed(body, "weeks") if isinstance(week, str)]
    levels = tuple(level for level in _listed(body, "grades") if isinstance(level, str))
    return DoneAnswer(real(weeks), levels, published=body.get("published_at") is not None, remote_id=body["remote_id"])


def _listed(body: Mapping[str, Any], name: str) -> list[Any]:
    value = body.get(name)
    return value if isinstance(value, list) else []


def _reasons(error: object) -> Iterator[SiteRefusal]:
    """The reasons of an ``error``: an object of lists by field, or one sentence."""
    if not isinstance(error, dict) or not error:
        yield _reason("", error)
        return
    for name, sentences in error.items():
        pointer = vocabulary()["fields"].get(name, "")
        for sentence in sentences if isinstance(sentences, list) and sentences else [sentences]:
            yield _reason(pointer, sentence if pointer else f"{name}: {sentence}")


def _reason(pointer: str, sentence: object) -> SiteRefusal:
    """One sentence as a refusal; the first phrase of the vocabulary that it holds gives the code. A code that needs a
    pointer and has none becomes ``other``.
    """
    text = str(sentence)
    lower = text.lower()
    codes = (entry["code"] for entry in vocabulary()["sentences"] if entry["part"] in lower)
    code = next(codes, "other")
    target = pointer or vocabulary()["places"].get(code, "")
    return refusal(PREFIX + (code if target or code == "payload" else "other"), pointer=target, actual=text)
