"""The operator's desk over HTTP: who acts, the body of an act, and refused acts as problems."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeAlias

import orjson
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from gateway.api.answer import send_json
from gateway.api.auth import requires
from gateway.api.body import read_document
from gateway.api.context import federation_of, partner_of
from gateway.api.problem import ProblemError
from gateway.api.query import refuse_parameters
from gateway.api.readiness import require_caught_up, view_behind
from gateway.operate.desk import Desk, Refusal, RefusedActError
from gateway.partners.partners import ChangeConflictError
from gateway.protocol.journal import Actor, clean_reason

Check: TypeAlias = Callable[[Any], bool]
"""Whether a member has a value of the right kind."""
Act: TypeAlias = Callable[[web.Request, Desk, dict[str, Any]], Awaitable[web.StreamResponse]]

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


def acting(
    members: Mapping[str, Check],
    *,
    required: tuple[str, ...] = (),
    most: int | None = None,
    expected: str | None = None,
    view: str | None = None,
) -> Callable[[Act], Handler]:
    """A handler of an act of the operator: of the request, the desk of its client with the partners as they are now,
    and the members of the body, as ``parse_act``. An act has no parameters. ``view``: the topic whose view must have
    caught up.
    """

    def decorate(act: Act) -> Handler:
        @requires("operate")
        @wraps(act)
        async def handler(request: web.Request) -> web.StreamResponse:
            federation = federation_of(request)
            if view is not None:
                require_caught_up(federation.views[view])
            refuse_parameters(request.query)
            document = await read_document(request, most=most)
            given, reason = parse_act(document, members, required=required, expected=expected)
            await federation.partners.catch_up()
            with refusals():
                return await act(request, federation.desk(Actor(client=partner_of(request).platform), reason), given)

        return handler

    return decorate


def parse_act(
    raw: bytes, members: Mapping[str, Check], *, required: tuple[str, ...] = (), expected: str | None = None
) -> tuple[dict[str, Any], str | None]:
    """The members of a body, and the reason in it without contact data. ``expected`` is what a refusal says, by default
    the names of the members. Raises ProblemError.
    """
    try:
        act = orjson.loads(raw)
    except orjson.JSONDecodeError:
        act = None
    wrong = ProblemError("body-malformed", expected=expected or f"{{{', '.join((*members, 'reason'))}}}")
    if not isinstance(act, dict) or any(name not in act for name in required):
        raise wrong
    reason = act.pop("reason", "")
    known = all(name in members and members[name](value) for name, value in act.items())
    if not known or not isinstance(reason, str):
        raise wrong
    try:
        return act, clean_reason(reason)
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


def are_named_texts(value: Any) -> bool:
    """Whether a member is an object of texts."""
    return is_object(value) and all(isinstance(one, str) for one in value.values())


def or_null(check: Check) -> Check:
    """A check that null passes as well."""
    return lambda value: value is None or check(value)


def within(least: int, most: int) -> Check:
    """A check for a whole number within bounds, both included."""
    return lambda value: type(value) is int and least <= value <= most
