"""The operator's desk over HTTP: who acts, the body of an act, and refused acts as problems."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

import orjson
from aiohttp import hdrs, web

from gateway.api.answer import send_json
from gateway.api.body import read_document
from gateway.api.context import federation_of, partner_of
from gateway.api.problem import ProblemError
from gateway.api.query import refuse_parameters
from gateway.api.readiness import view_behind
from gateway.operate.desk import Desk, Refusal, RefusedActError
from gateway.partners.partners import ChangeConflictError
from gateway.protocol.journal import Actor, clean_reason

Check: TypeAlias = Callable[[Any], bool]
"""Whether a member has a value of the right kind."""

_PRESENT: Mapping[Refusal, str] = {
    "unknown": "not-found",
    "no-certificate": "not-found",
    "no-feed": "not-found",
    "revoked": "partner-revoked",
    "present": "partner-present",
    "invalid": "partner-invalid",
    "superseded": "secret-changed",
    "nonce-used": "evidence-insufficient",
    "no-account": "account-unknown",
}


async def desk_of(request: web.Request, reason: str | None) -> Desk:
    """The desk of the client that asks, with the partners as they are now. Raises LogError."""
    federation = federation_of(request)
    await federation.partners.catch_up()
    return federation.desk(Actor(client=partner_of(request).platform), reason)


async def read_act(
    request: web.Request, members: Mapping[str, Check], *, required: tuple[str, ...] = (), most: int | None = None
) -> tuple[dict[str, Any], str | None]:
    """The body of an act, as ``parse_act``. An act has no parameters. Raises ProblemError."""
    refuse_parameters(request.query)
    return parse_act(await read_document(request, most=most), members, required=required)


def parse_act(
    raw: bytes, members: Mapping[str, Check], *, required: tuple[str, ...] = (), expected: str | None = None
) -> tuple[dict[str, Any], str | None]:
    """The members of a body, and the reason in it without contact data. ``expected`` is what a refusal says, by default
    the names of the members. Raises ProblemError.
    """
    try:
        asked = orjson.loads(raw)
    except orjson.JSONDecodeError:
        asked = None
    wrong = ProblemError("body-malformed", expected=expected or f"{{{', '.join((*members, 'reason'))}}}")
    if not isinstance(asked, dict) or any(name not in asked for name in required):
        raise wrong
    reason = asked.pop("reason", "")
    known = all(name in members and members[name](value) for name, value in asked.items())
    if not known or not isinstance(reason, str):
        raise wrong
    try:
        return asked, clean_reason(reason)
    except ValueError:
        raise wrong from None


@contextmanager
def refusals() -> Iterator[None]:
    """Translate a refused act into its problem; what was found is in the member ``findings``."""
    try:
        yield
    except RefusedActError as error:
        if error.refusal == "view-behind":
            raise view_behind() from error
        code = _PRESENT.get(error.refusal, error.refusal)
        if error.actual is not None:
            raise ProblemError(code, actual=error.actual) from error
        members = {} if code == "not-found" else {"findings": list(error.findings)}
        raise ProblemError(code, members=members) from error
    except ChangeConflictError:
        raise ProblemError("log-busy", headers={hdrs.RETRY_AFTER: "2"}) from None


def answered(body: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """The answer to an act, which no cache keeps."""
    response = send_json(body, {hdrs.CACHE_CONTROL: "no-store", **(headers or {})})
    response.set_status(status)
    return response


def is_text(value: Any) -> bool:
    """Whether a member is a text."""
    return isinstance(value, str)


def is_flag(value: Any) -> bool:
    """Whether a member is true or false."""
    return isinstance(value, bool)


def are_texts(value: Any) -> bool:
    """Whether a member is a list of texts."""
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def one_of(*texts: str) -> Check:
    """A check for one of these texts."""
    return lambda value: isinstance(value, str) and value in texts


def is_object(value: Any) -> bool:
    """Whether a member is an object."""
    return isinstance(value, dict)


def or_null(check: Check) -> Check:
    """A check that null passes as well."""
    return lambda value: value is None or check(value)


def within(least: int, most: int) -> Check:
    """A check for a whole number within bounds, both included."""
    return lambda value: type(value) is int and least <= value <= most
