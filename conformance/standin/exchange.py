"""One exchange: an authenticated request, its answer, and refusals as problem documents (RFC 9457)."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any, TypeAlias

import orjson
from multidict import MultiDict, MultiMapping

import schemas
from schemas.refusal import MEDIA_TYPE, problem_document
from schemas.rulebook import Language, preferred_language

REALM = 'Bearer realm="passerelle"'
_REVALIDATE = "no-cache"
PRIVATE: Mapping[str, str] = {"Cache-Control": f"private, {_REVALIDATE}", "Vary": "Authorization"}
NO_STORE: Mapping[str, str] = {"Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True)
class PartnerRequest:
    """An authenticated request of the partner. ``headers`` are case-insensitive.

    ``operation`` is the ``operationId`` of the contract, ``variables`` those of its path, ``target`` path and query as
    sent; ``parameters`` holds repeated ones, ``query`` the last of each; ``has_body`` is false without any content.
    ``platform`` and ``scopes`` are the caller's. ``pull`` reads the content, which ``body`` holds where there is none.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: MultiMapping[str]
    body: bytes
    operation: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    target: str = ""
    parameters: MultiMapping[str] = field(default_factory=MultiDict)
    has_body: bool = False
    platform: str = ""
    scopes: frozenset[str] = frozenset()
    pull: Callable[[], Awaitable[bytes]] | None = None

    async def content(self) -> bytes:
        """The content, up to the most that the server reads. Raises RefusedError."""
        return self.body if self.pull is None else await self.pull()


@dataclass(frozen=True, slots=True)
class Localised:
    """A body with texts: written in the client's language."""

    write: Callable[[Language], Any]


@dataclass(frozen=True, slots=True)
class HostAnswer:
    """An answer. ``body`` is bytes, a JSON value, or ``Localised``; ``cut``: the connection is closed after half of the
    body; ``closed``: before any byte.
    """

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    closed: bool = False

    def content(self, language: Language) -> bytes:
        """The bytes of the body."""
        body = self.body.write(language) if isinstance(self.body, Localised) else self.body
        return body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)

    def all_headers(self, language: Language) -> dict[str, str]:
        """The headers, with those that follow from the body."""
        language_header = {"Content-Language": language} if isinstance(self.body, Localised) else {}
        typed = {} if self.body is None else {"Content-Type": "application/json"}
        return {**typed, **language_header, **self.headers}


class RefusedError(Exception):
    """A request is refused; ``answer`` says why."""

    def __init__(self, answer: HostAnswer) -> None:
        super().__init__(answer.status)
        self.answer = answer


Stored: TypeAlias = Mapping[str, Any]
"""A problem as stored, with its texts in both languages."""


def language_of(ask: PartnerRequest) -> Language:
    """The preferred language by Accept-Language."""
    return preferred_language(ask.headers.get("Accept-Language", ""))


def problem(
    status: int | None,
    code: str,
    *,
    headers: Mapping[str, str] | None = None,
    pointer: str = "",
    problems: Sequence[Stored] = (),
    members: Mapping[str, Any] | None = None,
    **args: Any,
) -> HostAnswer:
    """A problem document. Without ``status`` it is that of the catalogue; ``args`` fill the rule's texts."""
    found = schemas.problem(code, pointer=pointer, **args)
    actual = status or found.rule.status or 400

    def write(language: Language) -> Mapping[str, Any]:
        return problem_document(found, language, status=actual, problems=problems, members=members)

    own = {"Content-Type": MEDIA_TYPE, "Vary": "Accept-Language", **NO_STORE}
    return HostAnswer(actual, Localised(write), {**(headers or {}), **own})


def refused(code: str, **more: Any) -> RefusedError:
    """The error of a refusal with the catalogue's status; ``more`` as for ``problem``."""
    return RefusedError(problem(more.pop("status", None), code, **more))


def localised_receipt(receipt: Mapping[str, Any], language: Language) -> dict[str, Any]:
    """A receipt, or the like, with its problems in one language."""
    problems = [schemas.localized(each, language) for each in receipt.get("problems", ())]
    return {**receipt, "problems": problems} if problems else dict(receipt)


def fault_answer(fault: str, *, seconds: float, unavailable: str, expire: Callable[[], None]) -> HostAnswer:
    """The answer of a fault that both of the kit's servers know: ``unavailable`` is the code of a 503, ``seconds`` the
    Retry-After. Any other fault closes the connection.
    """
    retry = {"Retry-After": str(max(1, ceil(seconds)))}
    match fault:
        case "unavailable":
            return problem(503, unavailable, headers=retry)
        case "busy":
            return problem(429, "rate-limited", headers=retry, expected=REQUESTS_PER_MINUTE)
        case "expired-token":
            expire()
            return invalid_token()
    return HostAnswer(200, closed=True)


REQUESTS_PER_MINUTE = 6_000


def invalid_token() -> HostAnswer:
    """401 for a token that is unknown or has ended."""
    return problem(401, "token-invalid", headers={"WWW-Authenticate": f'{REALM}, error="invalid_token"'})
